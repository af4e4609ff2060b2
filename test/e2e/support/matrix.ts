import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import { kubeconfig, kubectl, kubeletSeconds, repository, startTarget, until } from './cluster.ts';
import {
  containerId,
  type HostProcess,
  isGuardian,
  onNode,
  ourDiskStates,
  ourNetworkStates,
  ourProcesses,
  ourShims,
  type Scope,
  splitProcesses,
} from './node.ts';
import { Plugin } from './plugin.ts';
import { ServerProxy } from './proxy.ts';

/** On every cluster of ours the first address of the bridge is the node's. */
const node = '10.244.0.1';

/** What is done to the target, as the host cluster's kernel can do it. */
const faults = {
  // Memory is there or not; a share of the CPU would depend on the runs beside it.
  stress: ['--memory', '16Mi'],
  // All that shaping leaves behind: two qdiscs, a link, filters, the length of a queue.
  net: ['--rate', '8kbit', '--direction', 'both', '--to', node],
  // A directory in a volume, its record, and files that go with their stressor.
  io: ['--path', '/data', '--mode', 'write', '--size', '8Mi'],
  // All that it leaves behind: a frozen cgroup, and its record.
  pause: [],
} as const;
export type Fault = keyof typeof faults;

/** Whom it is done to, of test/cluster/pods. */
const manifests = { stress: 'busybox', net: 'busybox', io: 'io-distroless', pause: 'busybox' } as const;

/** Target pods for runs side by side: one that was left as it was serves again. */
export class Targets {
  readonly #namespace: string;
  readonly #free: Record<Fault, string[]> = { stress: [], net: [], io: [], pause: [] };
  #made = 0;

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  async take(fault: Fault): Promise<string> {
    const used = this.#free[fault].pop();
    if (used) return used;
    const manifest = manifests[fault];
    const name = `${manifest}-${++this.#made}`;
    await startTarget(this.#namespace, manifest, (text) => text.replace(`name: ${manifest}`, `name: ${name}`));
    return name;
  }

  giveBack(fault: Fault, pod: string): void {
    this.#free[fault].push(pod);
  }

  async discard(pod: string): Promise<void> {
    await deletePod(this.#namespace, pod, ...force);
  }
}

/** What of the fault itself is on the node; empty when it is gone. */
export async function ofTheFault({ fault, scope }: Run): Promise<string[]> {
  const processes = (await ourProcesses(scope)).map(({ pid, name }) => `process ${pid} ${name}`);
  const others = { stress: () => [], net: ourNetworkStates, io: ourDiskStates, pause: ourDiskStates };
  return [...processes, ...(await others[fault](scope))];
}

/** A line of the plugin's. */
interface Fact {
  kind: string;
  id?: string;
  /** Of what is about one of the targets. */
  target?: unknown;
}

/** One run that is killed: the plugin, its proxy, and what the killers need to find their victims. */
export class Run {
  readonly plugin: Plugin;
  readonly proxy: ServerProxy;
  readonly fault: Fault;
  readonly namespace: string;
  readonly pods: readonly string[];
  readonly #place: Omit<Scope, 'experiments'>;
  /** What a killer has set going, and is to be over before the next run. */
  aftermath: Promise<unknown> = Promise.resolve();
  /** What the targets send and are answered meanwhile, a little more than the rate lets through. */
  readonly #traffic: readonly ChildProcess[];
  #agents: readonly string[] | undefined;

  private constructor(
    fault: Fault,
    namespace: string,
    pods: readonly string[],
    place: Omit<Scope, 'experiments'>,
    proxy: ServerProxy,
    flags: readonly string[],
  ) {
    this.fault = fault;
    this.namespace = namespace;
    this.pods = pods;
    this.#place = place;
    this.proxy = proxy;
    // Until the end of the run, though the kubelet may be late to start it.
    const ping = ['ping', '-q', '-w', `${kubeletSeconds + 30}`, '-s', '1400', node];
    const inside = (pod: string) => ['--kubeconfig', kubeconfig, '-n', namespace, 'exec', pod, '--'];
    this.#traffic =
      fault === 'net' ? pods.map((pod) => spawn('kubectl', [...inside(pod), ...ping], { stdio: 'ignore' })) : [];
    this.plugin = new Plugin([
      ...[fault, ...pods, '--kubeconfig', kubeconfig, '--server', proxy.url, '-n', namespace],
      ...['-o', 'ndjson', ...flags],
    ]);
  }

  /** `flags`: instead of the fault's own. */
  static async start(
    fault: Fault,
    namespace: string,
    pods: readonly string[],
    times: readonly string[],
    flags: readonly string[] = faults[fault],
  ): Promise<Run> {
    const server = await kubectl('config', 'view', '--minify', '-o', 'jsonpath={.clusters[0].cluster.server}');
    const { hostname } = new URL(server);
    // The certificate is for the server's name, which is not the proxy's.
    const name = isIP(hostname) ? [] : ['--tls-server-name', hostname];
    const uid = (pod: string) => kubectl('-n', namespace, 'get', 'pod', pod, '-o', 'jsonpath={.metadata.uid}');
    const place = {
      pods: await Promise.all(pods.map(uid)),
      containers: await Promise.all(pods.map((pod) => containerId(namespace, pod))),
    };
    const proxy = await ServerProxy.start(new URL(server));
    return new Run(fault, namespace, pods, place, proxy, [...name, ...flags, ...times]);
  }

  close(): void {
    this.proxy.close();
    for (const each of this.#traffic) each.kill();
  }

  /** What the plugin has said so far, one object a line. */
  get facts(): Fact[] {
    const whole = this.plugin.stdout.slice(0, this.plugin.stdout.lastIndexOf('\n') + 1);
    return whole.split('\n').flatMap((line) => (line ? [JSON.parse(line) as Fact] : []));
  }

  get isEnding(): boolean {
    return this.facts.some(({ kind }) => kind === 'stopping');
  }

  get id(): string {
    return this.facts.find(({ id }) => id)?.id ?? '';
  }

  /** By which what it has made is told from that of others. */
  get scope(): Scope {
    return { ...this.#place, experiments: [this.id], ...(this.#agents && { agents: this.#agents }) };
  }

  /** Of several targets the shims are found by their agent's pod, whether it is still there or not. */
  async noteAgents(): Promise<void> {
    if (this.pods.length === 1) return;
    const uids = 'jsonpath={.items[*].metadata.uid}';
    const words = ['-n', this.namespace, 'get', 'pods', ...agentsOf(this), '-o', uids];
    this.#agents = (await kubectl(...words)).split(' ').filter(Boolean);
  }

  /** What is told of each target, of each of them. */
  said(kind: string): Promise<void> {
    return until(`the plugin says ${kind}`, kubeletSeconds, () => {
      const told = this.facts.filter((fact) => fact.kind === kind);
      return told.length >= (told[0]?.target ? this.pods.length : 1);
    });
  }
}

/** Where in its life a run is killed, in the order of that life. */
export const points: Readonly<Record<string, (run: Run) => Promise<void>>> = {
  'pod created': async (run) => {
    await run.said('launching');
    await until('the pod is there', kubeletSeconds, () =>
      kubectl('-n', run.namespace, 'get', 'pod', ...agentsOf(run), '-o', 'name').then(Boolean),
    );
  },
  'container starting': (run) =>
    run
      .said('launching')
      .then(() => until('the shim runs', kubeletSeconds, async () => (await ourShims(run.scope)).length > 0)),
  resolved: (run) => run.said('resolved'),
  active: (run) => run.said('active'),
  stopping: async (run) => {
    await run.said('active');
    run.plugin.kill('SIGINT');
    await run.said('stopping');
  },
  reverting: async (run) => {
    await run.said('active');
    run.plugin.kill('SIGINT');
    await run.said('ended');
  },
};

export type Phase = 'before' | 'active' | 'after';
export const phaseOf = (point: string): Phase =>
  point === 'active' ? 'active' : point === 'stopping' || point === 'reverting' ? 'after' : 'before';

export interface Killer {
  /** Undefined: of any. */
  only?: readonly Fault[];
  /** How many targets there are; undefined: one. */
  targets?: number;
  /** Undefined: at any. */
  at?: readonly string[];
  act(run: Run): Promise<unknown> | unknown;
  /** Exit codes that are true, by phase; empty: the plugin is dead. Absent phase: there is no victim yet. */
  codes: Partial<Record<Phase, readonly number[]>>;
  /** What is not hit goes on to the end of its time. */
  goesOn?: true;
  /** The target is another afterwards. */
  destroysTarget?: boolean;
  /** It hits every run that there is. */
  alone?: boolean;
  /** The shim is there still, and silent: so long that nobody can know it for dead before. */
  hangs?: boolean;
}

const pluginSignal = (signal: NodeJS.Signals, code: number): Killer => ({
  act: ({ plugin }) => plugin.kill(signal),
  // After the first Ctrl-C it is the second one: at once, and what is not confirmed by then is said.
  codes: { before: [code], active: [code], after: [130, 4] },
});

const early: Killer['codes'] = { before: [1, 3], active: [3], after: [130, 3] };

/** The end of a stream may be lost with the container, and no other record of the shim's last words outlives the pod: then the plugin cannot know, and says so. */
export const recordless: Killer['codes'] = { before: [1, 3, 4], active: [3, 4], after: [130, 3, 4] };

/** One that has ended during the experiment needs no signal. */
export async function signalAll(signal: string, processes: readonly HostProcess[]): Promise<void> {
  if (processes.length === 0) return;
  await onNode(`kill -${signal} ${processes.map(({ pid }) => pid).join(' ')} 2>/dev/null; true`);
}

async function signalOurs({ scope }: Run, signal: string, prefix: string): Promise<void> {
  await signalAll(
    signal,
    (await ourProcesses(scope)).filter(({ name }) => name.startsWith(prefix)),
  );
}

/** One of the node's own programs, which have nothing to do with what runs already. */
async function restart(program: string): Promise<void> {
  await promisify(execFile)(`${repository}/test/cluster/host-restart`, [program]);
}

/** As if it were being replaced: away for a while, and then as before. */
async function stopFor(run: Run, program: string, seconds: number): Promise<void> {
  const child = spawn(`${repository}/test/cluster/host-restart`, [program, String(seconds)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  run.aftermath = once(child, 'exit').then(([status]) => {
    if (status !== 0) throw new Error(`${program} was not started again`);
    return until(`${program} answers`, 30, () => kubectl('get', '--raw', '/readyz').then(Boolean));
  });
  await Promise.race([once(child.stdout, 'data'), run.aftermath]);
}

/** The shim is held meanwhile, which would make another guardian at once. */
export async function killShimAndGuardian({ scope }: Run): Promise<void> {
  const ours = await ourProcesses(scope);
  const shims = ours.filter((process) => process.name.startsWith('nsexec') && !isGuardian(process));
  await signalAll('STOP', shims);
  await signalAll('KILL', [...ours.filter(isGuardian), ...shims]);
}

async function killTarget({ namespace, pods: [pod = ''] }: Run): Promise<void> {
  await signalAll('KILL', (await splitProcesses(await containerId(namespace, pod))).own);
}

export const force = ['--grace-period=0', '--force'];
export const deletePod = (namespace: string, ...words: string[]) =>
  kubectl('-n', namespace, 'delete', 'pod', '--wait=false', '--ignore-not-found', ...words);

/** kubectl's words for the agent pods of a run. */
export const agentsOf = ({ id }: Run) => ['-l', `kubectl-chaos.io/experiment=${id}`];

/** By name. */
export type Killers = Readonly<Record<string, Killer>>;

export const killers: Killers = {
  'plugin INT': pluginSignal('SIGINT', 130),
  'plugin TERM': pluginSignal('SIGTERM', 143),
  'plugin HUP': pluginSignal('SIGHUP', 129),
  'plugin -9': { act: ({ plugin }) => plugin.kill('SIGKILL'), codes: { before: [], active: [], after: [] } },
  'connection broken once': {
    act: ({ proxy }) => proxy.breakAll(),
    codes: { before: [0, 1], active: [0], after: [130] },
  },
  'connection refused for good': {
    act: ({ proxy }) => proxy.close(),
    codes: { before: [4], active: [4], after: [130, 4] },
  },
  'connection silent for good': {
    act: ({ proxy }) => proxy.silence(),
    // Before the fault nobody can tell silence from an image that takes its time: that wait is five minutes.
    codes: { active: [4], after: [130, 4] },
  },
  // Another one takes its place, and the fault continues.
  'guardian -9': {
    act: (run) => signalOurs(run, 'KILL', 'nsexec:guardian'),
    codes: { active: [0, 3], after: [130, 3] },
  },
  'shim TERM': { act: (run) => signalOurs(run, 'TERM', 'nsexec'), codes: early },
  // Not its guardian: both at once is what nothing on the node can answer.
  'shim -9': { act: ({ scope }) => ourShims(scope).then((shims) => signalAll('KILL', shims)), codes: early },
  // Its guardian hears nothing of it for fifteen seconds, and then does what it would for a dead one.
  'shim stopped': {
    act: ({ scope }) => ourShims(scope).then((shims) => signalAll('STOP', shims)),
    codes: { active: [3, 4], after: [130, 3, 4] },
    hangs: true,
  },
  'stressors -9': {
    only: ['stress', 'io'],
    act: (run) => signalOurs(run, 'KILL', 'stress-ng'),
    codes: { active: [3], after: [130, 3] },
  },
  'agent pod deleted': { act: (run) => deletePod(run.namespace, ...agentsOf(run)), codes: early },
  'agent pod force-deleted': { act: (run) => deletePod(run.namespace, ...agentsOf(run), ...force), codes: recordless },
  // Where it takes longer than the lease, the fault has ended early.
  'kubelet restarted': { act: () => restart('kubelet'), codes: { active: [0, 3] }, alone: true },
  'containerd restarted': { act: () => restart('containerd'), codes: { active: [0, 3] }, alone: true },
  'API server restarted': { act: () => restart('apiserver'), codes: { active: [0, 3] }, alone: true },
  // Nobody can say meanwhile what became of it: either it is waited for, or that is said.
  'API server stopped for 30 s': {
    act: (run) => stopFor(run, 'apiserver', 30),
    codes: { active: [3, 4] },
    alone: true,
  },
  'target killed': { act: killTarget, codes: early, destroysTarget: true },
  'target pod deleted': {
    act: ({ namespace, pods }) => deletePod(namespace, ...pods),
    codes: early,
    destroysTarget: true,
  },
  'target pod force-deleted': {
    act: ({ namespace, pods }) => deletePod(namespace, ...pods, ...force),
    codes: early,
    destroysTarget: true,
  },
};

export interface Cell {
  fault: Fault;
  point: string;
  killer: string;
}

/** Every cell of these that has a victim. */
function allCells(of: Killers): Cell[] {
  const cells = (fault: Fault) =>
    Object.entries(of)
      .filter(([, { only }]) => only === undefined || only.includes(fault))
      .flatMap(([killer, { codes, at }]) =>
        Object.keys(points)
          .filter((point) => codes[phaseOf(point)] !== undefined && (at === undefined || at.includes(point)))
          // A shim that has not started cannot be killed.
          .filter((point) => point !== 'pod created' || !killer.startsWith('shim'))
          .map((point) => ({ fault, point, killer })),
      );
  return [...cells('stress'), ...cells('net'), ...cells('io'), ...cells('pause')];
}

/** Of so many shares one is taken by each commit. */
const shares = 16;

/** All of them, or the sixteenth that the commit chooses: after sixteen commits all have run. A diagonal, so that a share is not of one point or killer. */
export function chosenCells(of: readonly Killers[], all: boolean): Cell[] {
  const cells = of.flatMap(allCells);
  if (all) return cells;
  const commit = Number(execFileSync('git', ['rev-list', '--count', 'HEAD'], { cwd: repository, encoding: 'utf8' }));
  return cells.filter((_cell, index) => (index + Math.floor(index / shares)) % shares === commit % shares);
}
