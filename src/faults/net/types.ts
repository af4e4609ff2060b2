import type { Cidr } from '../../ip.ts';
import type { ObjectAddresses, PodNetwork, WorkloadKind } from '../../ports.ts';
import type { Step, Undo } from '../../shim/commands.ts';

/**
 * The words of the net fault: what is asked (by the user), who the peers are, what the target's network is, and what follows from it. All of it is
 * data.
 */

export type Direction = 'egress' | 'ingress' | 'both';
export type IpProtocol = 'tcp' | 'udp' | 'icmp';

/** Ports `from` … `to`, both included, 1 … 65535. */
export interface PortRange {
  from: number;
  to: number;
}

/** A value of `--to`, `--from` or `--except`, as the user wrote it in `text`. */
export type PeerQuery =
  | { kind: 'cidr'; text: string; cidr: Cidr }
  /** A host name, which the target resolves. */
  | { kind: 'host'; text: string; name: string }
  | { kind: 'service'; text: string; name: string; namespace: string | undefined }
  | { kind: WorkloadKind; text: string; name: string; namespace: string | undefined };

/**
 * What is done to each packet that is affected and let through. Percentages are > 0 and ≤ 100. At least one of delay, loss, corrupt, duplicate,
 * reorder, rate is there.
 */
export interface Shaping {
  delay?: {
    ms: number;
    jitterMs?: number;
    correlationPercent?: number;
    distribution?: 'normal' | 'uniform' | 'pareto' | 'paretonormal';
  };
  loss?: { percent: number; correlationPercent?: number } | { model: readonly string[] };
  corruptPercent?: number;
  duplicatePercent?: number;
  /** Needs a delay: these overtake the delayed ones. */
  reorder?: { percent: number; correlationPercent?: number };
  /** A token bucket. Bits a second; bytes. */
  rate?: { bitsPerSecond: number; burstBytes?: number };
}

/** What `net` is asked to do: exactly one of shaping and block. */
export interface NetRequest {
  fault: 'net';
  shaping?: Shaping;
  /** drop: `--partition`; reject: `--reject`. */
  block?: 'drop' | 'reject';
  /** Empty lists: everybody. */
  to: readonly PeerQuery[];
  from: readonly PeerQuery[];
  except: readonly PeerQuery[];
  /** Of the serving side: of the peer for `to`, of the target for `from`, of either when no peer is named. Empty: all. */
  ports: readonly PortRange[];
  protocol?: IpProtocol;
  /** Empty: those that carry the routes to the peers. */
  interfaces: readonly string[];
  direction: Direction;
  allowHostNetwork: boolean;
}

/** A peer with its addresses. */
export interface Peer extends Omit<ObjectAddresses, 'host'> {
  query: PeerQuery;
}

/** What the API server knows for a net fault. Host names are still without addresses: the target resolves them. */
export interface NetSurroundings extends PodNetwork {
  to: readonly Peer[];
  from: readonly Peer[];
  except: readonly Peer[];
}

/** The net fault as the cluster's side decides it; what remains is to be decided with the facts of the target's own network. */
export interface NetFault extends Omit<NetRequest, 'to' | 'from' | 'except'> {
  surroundings: NetSurroundings;
}

export interface Answer {
  id: string;
  exitCode: number;
  stdout: string;
  stderr: string;
  elapsedUs: number;
}

/** Everything that the shim is told before `start`, and what is told the user. */
export interface NetPlan {
  undo: readonly Undo[];
  apply: readonly Step[];
  /** Named states that must read the same before and after. */
  compare: readonly { id: string; argv: readonly string[] }[];
  /** Named counters, read with every sample. */
  count: readonly { id: string; argv: readonly string[] }[];
  /** `affected` and `excluded`, a line each, for the user before it starts. */
  affected: readonly string[];
  excluded: readonly string[];
  warnings: readonly string[];
  /** A peer to measure the round trip to, where one is known. */
  probe?: { address: string; port: number };
  /** What has to be listened to first, for a plan that knows who probes the target. */
  listening?: Listening;
  /** What the plan was made for; names that get new addresses are followed from there. */
  basis: NetBasis;
}

/** An address that is excluded because the kubelet's probes come from it, or may. */
export interface ProbeSource {
  cidr: Cidr;
  /** Whose it is, in a few words: `node`. Absent: it was only seen. */
  what?: string;
  /** Ports on which HTTP requests of the kubelet's came from it: that is certain. */
  kubeProbe: readonly number[];
  /** Probed ports to which it was seen connecting. */
  connected: readonly number[];
}

/** How long to listen for the kubelet at which ports, and what ends that early besides one of its HTTP requests. */
export interface Listening {
  ms: number;
  /** At most 16. */
  ports: readonly number[];
  /** Connections of these to each port end it too; empty unless no probe can be told by its request. At most 40. */
  known: readonly string[];
}

/** What a plan depends on besides the fault. */
export interface NetBasis {
  /** `kubectl_chaos_7f3k2` by nf_tables; by tc what is shaped, and dropped where there is no nf_tables. */
  by: { tool: 'nft'; table: string } | { tool: 'tc'; ports: readonly ShapedPort[] };
  /** Addresses that the kubelet's probes come from, or may. */
  sources: readonly ProbeSource[];
  /** Addresses of the host names among the peers, as the target resolved them; every one that was ever seen. */
  names: Readonly<Record<string, readonly Cidr[]>>;
}

/** An interface of the target, and the ifb link that what it receives goes through; absent: ingress is left alone. */
export interface ShapedPort {
  device: string;
  ifb?: string;
}

/** What was counted of the packets that were affected, since the fault began. */
export interface NetCounters {
  packets: number;
  bytes: number;
  /** Let through by our qdisc; absent: not counted. */
  passedBytes?: number;
  /** By our qdisc or our rule; counted in `packets` as well. */
  dropped: number;
  /** How often packets had to wait for `--rate`; absent: not counted, or for other reasons as well. */
  throttled?: number;
  elapsedUs: number;
}

/** One round trip, or that there was none. */
export interface RoundTrip {
  us: number | undefined;
}

export interface NetObservation {
  /** In order, from the start of the fault to just before the undo. */
  counters: readonly NetCounters[];
  roundTripsBefore: readonly RoundTrip[];
  roundTripsDuring: readonly RoundTrip[];
  /** Names of the states that did not read the same before and after. */
  differs: readonly string[];
  /** The fault was found in force, where no round trip is measured. */
  isFound?: boolean;
  /** As of a `NetRun`. */
  removedAfterMs?: number | undefined;
}
