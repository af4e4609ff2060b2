import type { Experiments, Target } from '../../ports.ts';
import { formatCount } from '../../text.ts';
import { warningsOf } from '../neighbours.ts';
import { type Finding, of } from './finding.ts';

/** Which other experiments there are, and what killed ones have left. Pure. `near`: absent: no target, and so nothing is near it. */
export function judgeExperiments(
  { found, unseen, elsewhere }: Experiments,
  near: Pick<Target, 'namespace' | 'pod' | 'container' | 'node'> | undefined,
): Finding[] {
  const { ok, warning, unknown } = of('experiments');
  const left = found.filter(({ state }) => state === 'leftover');
  const running = found.filter(({ state }) => state !== 'leftover' && state !== 'ended');
  const here = near ? running.filter(({ node }) => node === near.node) : [];
  const warnings = near
    ? warningsOf({ experiments: here, nodeTroubles: [], protectedBy: [], unchecked: [] }, near)
    : [];
  const blind = [...unseen, ...(elsewhere === undefined ? [] : [elsewhere])];
  return [
    ...warnings.map((text) => warning(text, 'kubectl chaos ls -A')),
    ...left.map(({ id, namespace, objects }) =>
      warning(`${id} in ${namespace} is left over: ${objects.join(', ')}`, `kubectl chaos stop ${id} -n ${namespace}`),
    ),
    ...blind.map((why) => unknown(`not all of them are seen: ${why}`)),
    ...(warnings.length + left.length + blind.length === 0
      ? [ok(running.length === 0 ? 'none runs' : `${formatCount(running.length, 'other')} in the cluster, none near`)]
      : []),
  ];
}
