import { ChaosError } from '../../errors.ts';
import type { Cluster, Experiment, ObjectAddresses, Target } from '../../ports.ts';
import type { SurveyPorts } from '../fault.ts';
import { refuseHostNetwork } from './plan.ts';
import type { NetRequest, NetSurroundings, Peer, PeerQuery } from './types.ts';

/**
 * What the cluster knows of a net fault's target and peers, after a look at whether another net fault is there already; only reads.
 * @throws ChaosError target-unsuitable: for a second net fault, naming the first; for a pod on its node's own network, unless that is allowed.
 */
export async function surveyNet(
  request: NetRequest,
  target: Target,
  { cluster, run, report, stopCommand }: SurveyPorts,
): Promise<NetSurroundings> {
  const [network, peers, experiments] = await Promise.all([
    cluster.podNetwork(target),
    findPeers(request, target.namespace, cluster),
    cluster.listAgents(run.agentNamespace ?? target.namespace),
  ]);
  const surroundings = { ...network, ...peers };
  const other = experiments.found.find((experiment) => isInForce(experiment, target));
  if (other) throw occupied(other, target, stopCommand(other.namespace, other.id));
  refuseHostNetwork({ surroundings, allowHostNetwork: request.allowHostNetwork });
  for (const message of surroundings.assumed ?? []) report({ kind: 'warning', message: `assumed: ${message}` });
  return surroundings;
}

/** Another container's network is the same network. */
function isInForce({ verb, target, state }: Experiment, { namespace, pod }: Target): boolean {
  const lives = state === 'starting' || state === 'running' || state === 'stopping';
  return lives && verb === 'net' && target?.startsWith(`${namespace}/${pod}/`) === true;
}

function occupied({ id, fault, who, state }: Experiment, { pod }: Target, stop: string): ChaosError {
  const what = `${fault ?? 'a net fault'}${who === undefined ? '' : `, by ${who}`}`;
  return new ChaosError(
    'target-unsuitable',
    `experiment ${id} already affects the network of pod/${pod} (${what}; ${state})`,
    {
      hint: `Wait until it has ended, or end it: ${stop}`,
    },
  );
}

type Flag = 'to' | 'from' | 'except';
const flags: readonly Flag[] = ['to', 'from', 'except'];

/** The addresses of all that a request names. Refuses an object without one. */
export async function findPeers(
  request: Pick<NetRequest, Flag>,
  namespace: string,
  cluster: Pick<Cluster, 'addressesOf'>,
): Promise<Record<Flag, Peer[]>> {
  const named = flags.flatMap((flag) => request[flag].filter(isObject));
  const addresses = [...(await cluster.addressesOf(named, namespace))];
  const found: Record<Flag, Peer[]> = { to: [], from: [], except: [] };
  for (const flag of flags) {
    for (const query of request[flag]) {
      if (query.kind === 'cidr') found[flag].push({ query, cidrs: [query.cidr] });
      // The target resolves it.
      else if (query.kind === 'host') found[flag].push({ query, cidrs: [] });
      else {
        const peers = (addresses.shift() ?? []).map((one) => toPeer(query, one));
        if (peers.length === 0) throw withoutAddress(flag, query);
        found[flag].push(...peers);
      }
    }
  }
  return found;
}

type NamedObject = Exclude<PeerQuery, { kind: 'cidr' } | { kind: 'host' }>;

function isObject(query: PeerQuery): query is NamedObject {
  return query.kind !== 'cidr' && query.kind !== 'host';
}

function toPeer(query: NamedObject, { host, ...addresses }: ObjectAddresses): Peer {
  return { query: host === undefined ? query : { kind: 'host', text: query.text, name: host }, ...addresses };
}

function withoutAddress(flag: Flag, query: PeerQuery): ChaosError {
  const why =
    query.kind === 'service'
      ? 'it has no cluster IP and no endpoints'
      : query.kind === 'pod'
        ? 'it is not running, or has no IP yet'
        : 'it has no running pods';
  return new ChaosError('target-unsuitable', `--${flag} ${query.text} has no address: ${why}`, {
    hint: 'Wait until it has one, or name addresses: --to 10.0.0.0/8.',
  });
}
