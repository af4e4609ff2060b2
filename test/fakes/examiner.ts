import type {
  BudgetFacts,
  CredentialFacts,
  Examiner,
  NamespaceFacts,
  NodeFacts,
  PodFacts,
  RightAt,
  RoomFacts,
  ServerFacts,
  Upgrade,
  WorkloadFacts,
} from '../../src/facts.ts';
import { FakeCluster } from './cluster.ts';

type Question = Exclude<keyof Examiner, 'cluster'>;

/** Answers as the test says; by default as a cluster in which nothing stops a run on `pod/web-0`. */
export class FakeExaminer implements Examiner {
  readonly cluster = new FakeCluster();
  /** What was asked, in order. */
  readonly asked: Question[] = [];
  readonly #failures = new Map<Question, Error>();
  credential: CredentialFacts = { kind: 'token', protection: 'tls' };
  version: ServerFacts;
  withheld: RightAt[] = [];
  /** By name. */
  readonly namespaces = new Map<string, NamespaceFacts>();
  found: PodFacts = {
    ...{ namespace: 'shop', name: 'web-0', container: 'app', containerId: 'id-app', node: 'node-3', image: 'i' },
    ...{ imagePullSecrets: [], isReady: true, isHostNetwork: false, restartCount: 0, protectedBy: [], probes: [] },
    ...{ requests: {}, limits: { memory: 2 ** 27 }, containers: [{ name: 'app', image: 'i' }] },
    ...{ labels: {}, annotations: {} },
  };
  machine: NodeFacts = {
    ...{ name: 'node-3', os: 'linux', architecture: 'amd64', osImage: 'Debian 13', kernel: '6.12.48' },
    ...{ kubelet: 'v1.33.1', runtime: 'containerd://2.1.4', isUnschedulable: false, troubles: {}, labels: {} },
    ...{ annotations: [], provider: '', allocatable: { cpu: 4, memory: 2 ** 33, pods: 110 } },
  };

  constructor(now: Date) {
    this.version = { version: 'v1.33.1', minor: 33, date: now, asked: now, answered: now };
  }

  /** Every call of it rejects. */
  fail(question: Question, error: Error): this {
    this.#failures.set(question, error);
    return this;
  }

  async #answer<Facts>(question: Question, facts: Facts): Promise<Facts> {
    this.asked.push(question);
    const failure = this.#failures.get(question);
    if (failure) throw failure;
    return facts;
  }

  credentials(): Promise<CredentialFacts> {
    return this.#answer('credentials', this.credential);
  }
  server(): Promise<ServerFacts> {
    return this.#answer('server', this.version);
  }
  missing(): Promise<RightAt[]> {
    return this.#answer('missing', this.withheld);
  }
  user(): Promise<string> {
    return this.#answer('user', 'ada');
  }
  namespace(name: string): Promise<NamespaceFacts> {
    return this.#answer('namespace', this.namespaces.get(name) ?? { name, isTerminating: false, protectedBy: [] });
  }
  watchUpgrade(): Promise<Upgrade> {
    return this.#answer('watchUpgrade', { state: 'open', carries: true });
  }
  attachUpgrade(): Promise<Upgrade> {
    return this.#answer('attachUpgrade', { state: 'answered', status: 404, message: 'not found' });
  }
  pod(): Promise<PodFacts> {
    return this.#answer('pod', this.found);
  }
  node(): Promise<NodeFacts> {
    return this.#answer('node', this.machine);
  }
  room(): Promise<RoomFacts> {
    return this.#answer('room', { pods: 10, cpu: 1, memory: 2 ** 30, agent: { cpu: 0.1, memory: 2 ** 27 } });
  }
  heartbeat(): Promise<Date | undefined> {
    return this.#answer('heartbeat', this.version.date);
  }
  workload(): Promise<WorkloadFacts> {
    return this.#answer('workload', { name: 'statefulset/web', wanted: 3, ready: 3 });
  }
  budgets(): Promise<BudgetFacts[]> {
    return this.#answer('budgets', []);
  }
}
