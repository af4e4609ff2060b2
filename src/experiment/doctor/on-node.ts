import { ChaosError } from '../../errors.ts';
import { faultKinds } from '../../faults/registry.ts';
import type { AgentSpec, Clock, Cluster, Signals } from '../../ports.ts';
import { parseShimEvent, type Resolved } from '../../shim/protocol.ts';
import { formatBytes, joinWords } from '../../text.ts';
import { agentEnd } from '../agent-end.ts';
import { Interrupts, signalExitCodes, unconfirmedRevert } from '../interrupt.ts';
import { type Finding, of } from './finding.ts';

/** A look at the target from its node, by an agent that inspects it, changes nothing, and is removed. */

const removeMs = 20_000;

/**
 * What the shim finds of the target. `undo`: what removes its agent by hand.
 * @throws ChaosError why it could not look; interrupted by a signal; not-reverted where its agent could not be removed.
 */
export async function lookOnNode(
  spec: AgentSpec,
  undo: string,
  ports: { cluster: Cluster; clock: Clock; signals: Signals },
): Promise<Resolved> {
  const interrupts = new Interrupts(ports.signals);
  try {
    const end = await Promise.race([look(spec, undo, ports, interrupts), interrupts.again]);
    if (end !== 'again') return end;
    throw unconfirmedRevert(interrupts, {
      hint: `Remove by hand: ${undo}`,
      state: 'the target was only looked at; the agent may be left on its node, and ends on its own',
    });
  } finally {
    interrupts.close();
  }
}

async function look(
  spec: AgentSpec,
  undo: string,
  { cluster, clock }: { cluster: Cluster; clock: Clock },
  interrupts: Interrupts,
): Promise<Resolved> {
  const stop = new AbortController();
  interrupts.onFirst(() => stop.abort());
  const agent = await cluster.launch(spec);
  let resolved: Resolved | undefined;
  let failure: unknown;
  try {
    await agentEnd(spec, agent, { cluster, clock }, stop.signal, ({ exitCode }) => exitCode === 0);
    resolved = resolvedIn(await cluster.readLog(agent, spec.containers[0]?.name ?? ''));
  } catch (error) {
    failure = error;
  }
  const { left, why } = await cluster.remove(spec.id, spec.namespace, removeMs, resolved !== undefined);
  if (left.length > 0) {
    throw new ChaosError('not-reverted', `${joinWords(left)} could not be removed (${why})`, {
      hint: `Remove by hand: ${undo}`,
      state: 'the target was only looked at',
      cause: failure,
    });
  }
  if (interrupts.first) {
    const exitCode = signalExitCodes[interrupts.first];
    throw new ChaosError('interrupted', `${interrupts.first} received before the look was over`, { exitCode });
  }
  if (resolved) return resolved;
  throw failure ?? new ChaosError('shim', 'the shim ended without a word of what it found');
}

function resolvedIn(log: string): Resolved | undefined {
  const events = log.split('\n').map(parseShimEvent);
  return events.find((event) => event?.event === 'resolved');
}

/** Whether the node's kernel has what the faults ask of it. Of what the shim does not tell it is not known. */
function judgeModules(modules: NonNullable<Resolved['modules']>): Finding[] {
  const { ok, warning, unknown } = of('kernel');
  const needs = faultKinds.flatMap((kind) => kind.kernelNeeds ?? []);
  const those = (state: 'missing' | undefined, needed: readonly string[]) =>
    [...new Set(needed)].filter((module) => modules.find(({ name }) => name === module)?.state === state);
  const open = those(
    undefined,
    needs.flatMap((need) => need.modules),
  );
  const lacks = needs.flatMap(({ modules: needed, without }) => {
    const missing = those('missing', needed);
    return missing.length === 0 ? [] : [warning(`the kernel has no ${joinWords(missing)}: ${without}`, moreModules)];
  });
  if (open.length > 0) {
    return [
      ...lacks,
      unknown(
        `whether the kernel has ${joinWords(open)} is not known from its lists: a net fault tries that before it changes anything`,
      ),
    ];
  }
  return lacks.length > 0 ? lacks : [ok('the kernel has every module that a net fault may need')];
}

const moreModules =
  "install the kernel's other modules on the node (linux-modules-extra of Ubuntu, kernel-modules-extra of Red Hat), or choose a pod on another node";

/** In place of what was not known before. Pure. */
export function judgeResolved({ cgroupMode, frozen, sample, modules = [] }: Resolved): Finding[] {
  const { memoryLimitBytes: limit = -1, memoryRoomBytes: room = -1, memoryOomGroup, swapFreeBytes } = sample;
  const oom = of('oom');
  return [
    ...(frozen ? [of('target').problem('the container is paused, as the shim sees it', 'unpause it first')] : []),
    of('kernel').ok(`cgroup ${cgroupMode}, as the shim sees it`),
    ...judgeModules(modules),
    ...(room < 0
      ? [of('limits').ok('no memory limit binds on the node')]
      : [
          of('limits').ok(
            `${formatBytes(room)} of memory are left before a limit of the container, or of a cgroup above it, is met`,
          ),
        ]),
    ...(memoryOomGroup === undefined || limit < 0
      ? [oom.ok('no limit has the OOM killer take the whole container')]
      : [
          memoryOomGroup === 1
            ? oom.warning(
                'memory.oom.group is set: memory beyond the limit kills the whole container, and is refused',
                '--oom-victim app, where that is what is wanted',
              )
            : oom.ok(
                'memory.oom.group is not set: beyond the limit the OOM killer takes one process, the stressor first',
              ),
        ]),
    ...(swapFreeBytes === undefined
      ? []
      : [
          oom.ok(
            swapFreeBytes === 0
              ? 'no swap is free on the node'
              : `${formatBytes(swapFreeBytes)} of swap are free on the node`,
          ),
        ]),
  ];
}
