import { type Plan, planExperiment } from '../../src/experiment/plan.ts';
import type { IoRequest } from '../../src/faults/io/types.ts';
import { volumeAt } from '../../src/faults/io/volume.ts';
import type { NetRequest, NetSurroundings, Peer } from '../../src/faults/net/types.ts';
import type { StressRequest } from '../../src/faults/stress/types.ts';
import type {
  AgentShape,
  Experiment,
  ExperimentAgent,
  PodNetwork,
  SelectedTarget,
  Target,
  TargetName,
  Volume,
} from '../../src/ports.ts';
import type { Request, RunOptions, SelectionRequest } from '../../src/requests.ts';
import type {
  Active,
  AnswerEvent,
  Ended,
  PathEvent,
  PathFacts,
  Resolved,
  Reverted,
  Sample,
  SampleEvent,
  ShimError,
  ToolsEvent,
} from '../../src/shim/protocol.ts';
import { wireLine } from './wire.ts';

/** Data as the real places would give it, each part replaceable. */

export const GiB = 2 ** 30;
export const MiB = 2 ** 20;

export function target(change: Partial<SelectedTarget> = {}): SelectedTarget {
  return {
    namespace: 'shop',
    pod: 'web-7d4b9',
    podUid: 'target-uid',
    container: 'app',
    containerId: 'a'.repeat(64),
    runtime: 'containerd',
    node: 'node-3',
    architecture: 'amd64',
    image: 'registry.shop/web:7',
    restartCount: 0,
    containers: 1,
    cpuLimitCores: 1,
    memoryLimitBytes: 128 * MiB,
    nodeCores: 4,
    nodeMemoryBytes: 8 * GiB,
    nodeAllocatableCores: 4,
    nodeAllocatableMemoryBytes: 8 * GiB,
    ...change,
  };
}

/** As it is read back from a record: what an agent could run on is of no use to those who follow one. */
export function recordedTarget(): Target {
  const { image: _image, ...rest } = target();
  return rest;
}

function stressRequest(change: Partial<StressRequest> = {}): StressRequest {
  return {
    fault: 'stress',
    cpu: { workers: 2, loadPercent: 100 },
    stressNgArgs: [],
    oomVictim: 'stressor',
    ...change,
  };
}

/** One pod that is named, or one of a workload's. */
export function selection(name: TargetName, change: Partial<SelectionRequest> = {}): SelectionRequest {
  return {
    from: [name],
    ...{ namespace: undefined, container: undefined, allContainers: false, take: 'one', seed: undefined },
    ...{ skipUnsuitable: false, allowSystem: false },
    ...change,
  };
}

/** Of an agent pod that is asked for as it is usual. */
export const noShape: AgentShape = { labels: {}, annotations: {}, requests: {}, limits: {} };

type StressRun = Request & { fault: StressRequest };

export function request(stress: Partial<StressRequest> = {}, run: Partial<RunOptions> = {}): StressRun {
  return {
    fault: stressRequest(stress),
    run: {
      selection: selection({ kind: 'pod', name: 'web-7d4b9' }),
      policy: { maxFailed: undefined, armMs: 300_000 },
      connection: {},
      durationMs: 60_000,
      graceMs: 2_000,
      detached: false,
      noAttach: false,
      leaseMs: 15_000,
      runAs: 'target',
      strict: false,
      image: 'tools:1',
      imagePullSecret: undefined,
      agentNamespace: undefined,
      shape: noShape,
      reason: undefined,
      yes: false,
      output: 'human',
      verbose: false,
      cleanup: true,
      ...run,
    },
  };
}

/** Delay to one peer, on the way out. */
export function netRequest(
  net: Partial<NetRequest> = {},
  run: Partial<RunOptions> = {},
): Request & { fault: NetRequest } {
  return {
    ...request({}, run),
    fault: {
      fault: 'net',
      shaping: { delay: { ms: 100 } },
      to: [dbPeer.query],
      from: [],
      except: [],
      ports: [{ from: 5432, to: 5432 }],
      interfaces: [],
      direction: 'egress',
      allowHostNetwork: false,
      ...net,
    },
  };
}

const dbPeer: Peer = {
  query: { kind: 'cidr', text: '10.0.0.7', cidr: { family: 4, address: '10.0.0.7', prefix: 32 } },
  cidrs: [{ family: 4, address: '10.0.0.7', prefix: 32 }],
};

export function surroundings(change: Partial<NetSurroundings> = {}): NetSurroundings {
  return {
    to: [dbPeer],
    from: [],
    except: [],
    ...podNetwork(),
    ...change,
  };
}

export function podNetwork(change: Partial<PodNetwork> = {}): PodNetwork {
  return {
    hostNetwork: false,
    podIps: ['10.0.0.5'],
    nodeIps: ['192.168.1.3'],
    podContainers: ['app'],
    probes: [],
    nodeSources: [],
    ...change,
  };
}

/** Writing to a volume of its own. */
export function ioRequest(io: Partial<IoRequest> = {}, run: Partial<RunOptions> = {}): Request & { fault: IoRequest } {
  return {
    ...request({}, run),
    fault: {
      fault: 'io',
      path: '/data',
      action: { kind: 'load', mode: 'write', workers: 1, sizeBytes: GiB },
      allowNodeDisk: false,
      ...io,
    },
  };
}

/** A container's own root, and a claim at /data. */
export function volumes(change: Partial<Volume> = {}): Volume[] {
  return [
    { kind: 'root', name: '', mountPath: '/', readOnly: false },
    {
      kind: 'persistentVolumeClaim',
      name: 'data',
      detail: 'data-web-0',
      mountPath: '/data',
      readOnly: false,
      ...change,
    },
  ];
}

/** A disk of 10 GiB with 8 GiB free. */
const space = {
  sizeBytes: 10 * GiB,
  freeBytes: 8 * GiB + 512 * MiB,
  availableBytes: 8 * GiB,
  inodes: 655_360,
  inodesFree: 655_000,
  inodesAvailable: 655_000,
};

export function pathFacts(change: Partial<PathFacts> = {}): PathFacts {
  return {
    path: '/data',
    mountPoint: '/data',
    root: '/',
    source: '/dev/sdb',
    type: 'ext4',
    options: 'rw,relatime',
    superOptions: 'rw',
    device: '8:16',
    disk: '8:16',
    diskName: 'sdb',
    onNode: false,
    readOnly: false,
    writable: true,
    mayUseReserved: false,
    ownerUid: 0,
    ownerGid: 2000,
    mode: 0o2775,
    ...space,
    ...change,
  };
}

/** What a probe found `seconds` after the first sample. */
export function pathEvent(seconds: number, change: Partial<PathEvent> = {}): PathEvent {
  return { event: 'path', atMs: 1, elapsedUs: 5_000_000 + seconds * 1e6, ...space, writeUs: 2_000, ...change };
}

/** A request for what is given and nothing else. */
export function requestFor(stress: Partial<StressRequest>, run: Partial<RunOptions> = {}): StressRun {
  return {
    ...request({}, run),
    fault: { fault: 'stress', stressNgArgs: [], oomVictim: 'stressor', ...stress },
  };
}

export function plan(asked: Request = request(), at: SelectedTarget = target()): Plan {
  return planExperiment(asked, at, {
    id: 'chaos-7f3k2',
    who: 'ada',
    now: new Date('2026-01-02T03:04:05Z'),
    noAttach: asked.run.noAttach,
    surveyed:
      asked.fault.fault === 'io' ? { volume: volumeAt(volumes(), (asked.fault as IoRequest).path) } : surroundings(),
  });
}

/** As the cluster shows a detached experiment of a minute, that has been running for ten seconds. */
export function detachedExperiment(
  now: Date,
  asked: Request = request(),
  change: Partial<Experiment> = {},
): Experiment {
  const { id, agent, summary } = plan({ ...asked, run: { ...asked.run, detached: true } });
  const recorded = agent.annotations['kubectl-chaos.io/plan'];
  return {
    ...{ id, namespace: 'shop', state: 'running', objects: [`pod/${id}-0`, `configmap/${id}`], graceMs: 32_000 },
    createdAt: new Date(now.getTime() - 12_000),
    endsAt: new Date(now.getTime() + 50_000),
    ...{ node: 'node-3', verb: agent.annotations['kubectl-chaos.io/verb'] ?? '', fault: summary, who: 'ada' },
    target: 'shop/web-7d4b9/app',
    agents: [
      experimentAgent({
        pod: `${id}-0`,
        state: change.state === 'leftover' ? 'running' : (change.state ?? 'running'),
        targets: [{ namespace: 'shop', pod: 'web-7d4b9', container: 'app' }],
        ...(recorded === undefined ? {} : { plan: recorded }),
      }),
    ],
    ...change,
  };
}

/** The agent of an experiment on one target, as the cluster shows it. */
export function experimentAgent(change: Partial<ExperimentAgent> = {}): ExperimentAgent {
  return {
    ...{ pod: 'chaos-aaaaa-0', podUid: 'agent-uid', node: 'node-3', state: 'running', container: 'target-0' },
    targets: [{ namespace: 'shop', pod: 'web-0', container: 'app' }],
    ...change,
  };
}

/** A sample on v2, in a container with one core and 128 MiB, `seconds` after the first, with `cores` used since then. */
export function sample(seconds: number, cores = 0, change: Partial<Sample> = {}): Sample {
  return {
    elapsedUs: 5_000_000 + seconds * 1e6,
    cpuUsageUs: 1_000_000 + Math.round(seconds * cores * 1e6),
    cpuPeriods: 100 + Math.round(seconds * 10),
    cpuThrottledPeriods: 0,
    cpuThrottledUs: 0,
    cpuQuotaUs: 100_000,
    cpuPeriodUs: 100_000,
    memoryCurrentBytes: 40 * MiB,
    memoryInactiveFileBytes: 0,
    memoryLimitBytes: 128 * MiB,
    memoryOomKills: 0,
    memoryOomGroup: 0,
    pidsCurrent: 3,
    pidsLimit: -1,
    ...change,
  };
}

export function sampleEvent(seconds: number, cores = 0, change: Partial<Sample> = {}): SampleEvent {
  return { event: 'sample', atMs: 1, ...sample(seconds, cores, change) };
}

export function resolved(first: Sample = sample(0), change: Partial<Resolved> = {}): Resolved {
  return {
    event: 'resolved',
    atMs: 1,
    version: '0.1.0',
    kernel: '6.1.0',
    pid: 4711,
    comm: 'app',
    cgroupMode: 'v2',
    cgroupView: 'init',
    cgroups: [{ hierarchy: '', version: 2, path: '/kubepods/pod1/app', joined: true }],
    unmounted: [],
    namespaces: [{ name: 'mnt', inode: 4026532001, own: true }],
    uid: 65532,
    gid: 65532,
    frozen: false,
    sample: first,
    ...change,
  };
}

export function active(change: Partial<Active> = {}): Active {
  return { event: 'active', atMs: 1, pid: 4800, entered: 8, of: 8, elapsedMs: 12, ...change };
}

export function answer(change: Partial<AnswerEvent> = {}): AnswerEvent {
  return {
    event: 'answer',
    atMs: 1,
    id: 'q',
    exitCode: 0,
    stdout: '',
    stderr: '',
    truncated: false,
    elapsedUs: 5_000_000,
    ...change,
  };
}

export function toolsEvent(change: Partial<ToolsEvent> = {}): ToolsEvent {
  const sha256 = 'b'.repeat(64);
  return { event: 'tools', atMs: 1, name: 'stress', sha256, bytes: 4_000_000, offset: 0, ready: false, ...change };
}

export function ended(change: Partial<Ended> = {}): Ended {
  return {
    event: 'ended',
    atMs: 1,
    reason: 'deadline',
    exitCode: 143,
    signal: 15,
    forced: false,
    runMs: 60_000,
    ...change,
  };
}

export function reverted(change: Partial<Reverted> = {}): Reverted {
  return { event: 'reverted', atMs: 1, elapsedMs: 9, left: 0, ...change };
}

export function shimError(change: Partial<ShimError> = {}): ShimError {
  return { event: 'error', atMs: 1, code: 'cgroup', message: 'cannot join', state: 'unchanged', ...change };
}

/** What the shim leaves in its termination log. */
export function lastWords(...events: object[]): string {
  return events.map(wireLine).join('\n');
}
