import { readFileSync } from 'node:fs';
import { parseCommandLine } from '../../../../src/cli/program.ts';
import { questions } from '../../../../src/faults/net/questions.ts';
import type {
  Answer,
  NetFault,
  NetRequest,
  NetSurroundings,
  Peer,
  PeerQuery,
} from '../../../../src/faults/net/types.ts';
import { parseCidr } from '../../../../src/ip.ts';

/** The request of `kubectl chaos net web FLAGS`. */
export function netRequest(flags: string | readonly string[]): NetRequest {
  const words = typeof flags === 'string' ? flags.split(' ') : flags;
  const invocation = parseCommandLine(['net', 'web', ...words], '1.2.3');
  if (invocation.kind !== 'run' || invocation.request.fault.fault !== 'net') throw new Error('not a net fault');
  return invocation.request.fault as NetRequest;
}

/** A fault with surroundings of a pod without probes on a node that is not known; peers other than addresses and host names are given in `change`. */
export function netFault(flags: string | readonly string[], change: Partial<NetSurroundings> = {}): NetFault {
  const { to, from, except, ...rest } = netRequest(flags);
  const peers = (queries: readonly PeerQuery[]) =>
    queries.map((query) => ({ query, cidrs: query.kind === 'cidr' ? [query.cidr] : [] }));
  return {
    ...rest,
    surroundings: {
      to: peers(to),
      from: peers(from),
      except: peers(except),
      hostNetwork: false,
      podIps: ['10.99.0.1'],
      nodeIps: [],
      podContainers: ['app'],
      probes: [],
      nodeSources: [],
      ...change,
    },
  };
}

export function answer(id: string, stdout: string, exitCode = 0, stderr = ''): Answer {
  return { id, exitCode, stdout, stderr, elapsedUs: 1_000_000 };
}

/** What `tc`, `ip` and `nft` of iproute2 6.1 and nftables 1.0.6 printed in a namespace with eth0 and net1. */
export function fixture(name: string): string {
  return readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), 'utf8');
}

/** Answers to every question about this fault, from a node that can do everything; `change` replaces some. */
export function answersFor(fault: NetFault, change: readonly Answer[] = []): Map<string, Answer> {
  const answers = new Map(
    questions(fault).map(({ id }) => [id, answer(id, ['links', 'routes', 'qdiscs'].includes(id) ? fixture(id) : '')]),
  );
  for (const other of change) answers.set(other.id, other);
  return answers;
}

/** A peer that the cluster knows. */
export function peer(text: string, addresses: readonly string[], portMap?: Peer['portMap']): Peer {
  const [query] = netRequest(['--partition', '--to', text]).to;
  if (!query) throw new Error(`not a peer: ${text}`);
  const cidrs = addresses.flatMap((address) => parseCidr(address)?.cidr ?? []);
  return { query, cidrs, ...(portMap ? { portMap } : {}) };
}
