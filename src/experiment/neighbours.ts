import type { ContainerName, Experiment, NodeUpdate, Surroundings, Target } from '../ports.ts';
import { targetsNamed } from '../target-names.ts';
import { joinWords } from '../text.ts';

/** What is said of other experiments near the target, and of what happens on its node. Pure. */

/** Its fault is in force, or will be, or is not reverted yet. */
function lives({ state, target }: Experiment): boolean {
  return targetsNamed(target).length > 0 && (state === 'starting' || state === 'running' || state === 'stopping');
}

/** Whether what is measured of the target is of this experiment as well. */
export function isOnTarget(experiment: Experiment, { namespace, pod, container }: ContainerName): boolean {
  return (
    lives(experiment) &&
    targetsNamed(experiment.target).some(
      (one) => one.namespace === namespace && one.pod === pod && one.container === container,
    )
  );
}

/** `experiment chaos-7f3k2 (2 busy CPUs, by ada)`. */
function named({ id, fault, who }: Experiment): string {
  const details = [fault, who === undefined ? undefined : `by ${who}`].filter((text) => text !== undefined);
  return `experiment ${id}${details.length === 0 ? '' : ` (${details.join(', ')})`}`;
}

/** What one is warned of before anything is created; one sentence each. */
export function warningsOf(
  { experiments, nodeTroubles, unchecked }: Surroundings,
  target: ContainerName & Pick<Target, 'node'>,
): string[] {
  const { namespace, pod, node } = target;
  const living = experiments.filter(lives);
  const onTarget = living.filter((experiment) => isOnTarget(experiment, target));
  const containersInPod = (one: Experiment) =>
    targetsNamed(one.target).flatMap((named) =>
      named.namespace === namespace && named.pod === pod ? named.container : [],
    );
  const inPod = living.filter((one) => !onTarget.includes(one) && containersInPod(one).length > 0);
  const elsewhere = living.filter((one) => !onTarget.includes(one) && !inPod.includes(one));
  return [
    ...onTarget.map((one) => `${named(one)} already runs on this container: what is measured is of both`),
    ...inPod.map((one) => `${named(one)} already runs on container ${joinWords(containersInPod(one))} of this pod`),
    ...(elsewhere.length === 0
      ? []
      : [`also on node ${node}: ${elsewhere.map((one) => `${named(one)} on ${one.target}`).join('; ')}`]),
    ...nodeTroubles.map((trouble) => `node ${node} ${trouble} already; that will not stop the fault`),
    ...(unchecked.length === 0 ? [] : [`not checked: ${unchecked.join('; ')}`]),
  ];
}

/** What is said of an experiment on the same container that began later. */
export function joined(experiment: Experiment): string {
  return `${named(experiment)} began on this container: from here on what is measured is of both`;
}

/** What a verdict is of besides its own fault; undefined: of nothing else. */
export function sharedSentence(others: readonly Experiment[]): string | undefined {
  if (others.length === 0) return undefined;
  const all = others.length === 1 ? 'both' : 'all of them';
  return `On the same container ran ${joinWords(others.map(named))}: what was measured is of ${all}`;
}

/** What harmed the node or another pod on it, in one sentence. */
export function harmOf(update: Extract<NodeUpdate, { kind: 'trouble' | 'evicted' }>, node: string): string {
  if (update.kind === 'trouble') return `node ${node} ${update.trouble}`;
  return `pod ${update.pod} was evicted from node ${node}${update.message === '' ? '' : `: ${update.message}`}`;
}
