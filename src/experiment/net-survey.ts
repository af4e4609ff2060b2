import { ChaosError } from '../errors.ts';
import { refuseHostNetwork } from '../faults/net/plan.ts';
import type { NetRequest, NetSurroundings } from '../faults/net/types.ts';
import { stopCommand } from '../faults/plan.ts';
import type { Request } from '../faults/request.ts';
import type { Cluster, Experiment, Reporter, Target } from '../ports.ts';

/**
 * What the cluster knows of a net fault's target and peers, after a look at whether another net fault is there already; only reads.
 * @throws ChaosError target-unsuitable: for a second net fault, naming the first; for a pod on its node's own network, unless that is allowed.
 */
export async function surveyNet(
  request: NetRequest,
  target: Target,
  run: Request['run'],
  { cluster, reporter }: { cluster: Cluster; reporter: Reporter },
): Promise<NetSurroundings> {
  const [surroundings, experiments] = await Promise.all([
    cluster.surroundings(request, target),
    cluster.listExperiments(run.agentNamespace ?? target.namespace),
  ]);
  const other = experiments.found.find((experiment) => isInForce(experiment, target));
  if (other) throw occupied(other, target, run);
  refuseHostNetwork({ surroundings, allowHostNetwork: request.allowHostNetwork });
  for (const message of surroundings.assumed ?? [])
    reporter.report({ kind: 'warning', message: `assumed: ${message}` });
  return surroundings;
}

/** Another container's network is the same network. */
function isInForce({ verb, target, state }: Experiment, { namespace, pod }: Target): boolean {
  const lives = state === 'starting' || state === 'running' || state === 'stopping';
  return lives && verb === 'net' && target?.startsWith(`${namespace}/${pod}/`) === true;
}

function occupied(
  { id, namespace, fault, who, state }: Experiment,
  { pod }: Target,
  { connection }: Request['run'],
): ChaosError {
  const what = `${fault ?? 'a net fault'}${who === undefined ? '' : `, by ${who}`}`;
  return new ChaosError(
    'target-unsuitable',
    `experiment ${id} is at the network of pod/${pod} already (${what}; ${state})`,
    {
      hint: `Wait until it has ended, or end it: ${stopCommand(connection, namespace, id)}`,
    },
  );
}
