import type { ServerResponse } from 'node:http';
import type { CoreV1Event, KubernetesObject, V1Pod } from '@kubernetes/client-node';
import { readyNode, runningPod } from '../kubernetes/objects.ts';
import { ApiServer, json, type Received, status } from './api-server.ts';
import { SimulatedAgent } from './simulated-agent.ts';

interface Watcher {
  kind: Kind;
  request: Received;
  response: ServerResponse;
}

type Kind = 'pods' | 'events' | 'nodes' | 'configmaps';

/** How long a kubelet takes to start an agent's container. */
const startMs = 50;

/**
 * A whole cluster that is nothing but an API server on loopback: pods `web-0 …` of `app=web` in namespace `shop`, in turn on nodes `node-0 …`, kubelets that start each agent pod, and in it `nsexec agent`
 * as the plugin meets it. Everything that is asked for is counted.
 */
export class SimulatedCluster {
  readonly server: ApiServer;
  /** The streams that were opened. */
  attaches = 0;
  /** Events that were written about targets. */
  readonly audited: CoreV1Event[] = [];
  readonly #objects = new Map<string, { kind: Kind; object: KubernetesObject }>();
  readonly #watchers = new Set<Watcher>();
  readonly #agents = new Map<string, SimulatedAgent>();
  #version = 100;

  private constructor(server: ApiServer, targets: number, nodes: number) {
    this.server = server;
    for (let place = 0; place < nodes; place++) {
      const node = readyNode(({ metadata }) =>
        Object.assign(metadata, { name: `node-${place}`, uid: `node-${place}` }),
      );
      this.#keep('nodes', node);
    }
    for (let place = 0; place < targets; place++) this.#keep('pods', targetPod(place, nodes));
    this.#serve();
  }

  static async start({ targets, nodes }: { targets: number; nodes: number }): Promise<SimulatedCluster> {
    return new SimulatedCluster(await ApiServer.start(), targets, nodes);
  }

  async stop(): Promise<void> {
    for (const agent of this.#agents.values()) agent.end();
    await this.server.stop();
  }

  /** How often what was asked for, as `GET pods`, `WATCH events`, `POST configmaps`. */
  get requests(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { method, path, query } of this.server.received) {
      const named = /\/(pods|nodes|configmaps|namespaces)\/[^/]+$/.exec(path)?.[1];
      const name = `${query.has('watch') ? 'WATCH' : method} ${named ?? path.split('/').at(-1)}`;
      counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  }

  /** The lines that shims have heard, each with its target before it. */
  get heard(): string[] {
    return [...this.#agents.values()].flatMap(({ heard }) => heard);
  }

  /** What of the experiments is still there. */
  get left(): string[] {
    return [...this.#objects].flatMap(([key, { object }]) => (isOfExperiment(object) ? [key] : []));
  }

  #serve(): void {
    const rule = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] };
    const list = (path: string | RegExp, kind: Kind) =>
      this.server.on('GET', path, (request, response) => this.#list(kind, request, response));
    list(/^\/api\/v1\/(namespaces\/shop\/)?pods$/, 'pods');
    list('/api/v1/namespaces/shop/events', 'events');
    list('/api/v1/nodes', 'nodes');
    list('/api/v1/namespaces/shop/configmaps', 'configmaps');
    this.server
      .on('GET', /^\/api\/v1\/nodes\/[^/]+$/, ({ path }, response) =>
        json(response, 200, this.#objects.get(`nodes/${path.split('/').at(-1)}`)?.object),
      )
      .on('GET', '/api/v1/namespaces/shop', (_, response) => json(response, 200, { metadata: { name: 'shop' } }))
      .on('GET', '/apis/policy/v1/namespaces/shop/poddisruptionbudgets', (_, response) =>
        json(response, 200, { items: [] }),
      )
      .on('POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', (_, response) =>
        json(response, 201, { status: { resourceRules: [rule], incomplete: false } }),
      )
      .on('POST', '/api/v1/namespaces/shop/configmaps', ({ body }, response) =>
        json(response, 201, this.#keep('configmaps', body as KubernetesObject)),
      )
      .on('PATCH', /^\/api\/v1\/namespaces\/shop\/configmaps\//, (_, response) => json(response, 200, {}))
      .on('POST', '/api/v1/namespaces/shop/pods', ({ body }, response) => {
        const pod = this.#keep('pods', body as V1Pod);
        json(response, 201, pod);
        this.#start(pod);
      })
      .on('POST', '/api/v1/namespaces/shop/events', ({ body }, response) => {
        this.audited.push(body as CoreV1Event);
        json(response, 201, body);
      })
      .on('DELETE', /^\/api\/v1\/namespaces\/shop\/(pods|configmaps)\//, ({ path }, response) => {
        const [kind, name] = path.split('/').slice(-2) as [Kind, string];
        this.#remove(kind, name, response);
      })
      .onAttach((stream) => {
        this.attaches++;
        this.#agents.get(stream.request.path.split('/').at(-2) ?? '')?.serve(stream);
      });
  }

  #keep<T extends KubernetesObject>(kind: Kind, object: T): T {
    const { name = '', uid = `uid of ${name}` } = object.metadata ?? {};
    const isNew = !this.#objects.has(`${kind}/${name}`);
    const kept = {
      ...object,
      metadata: { namespace: 'shop', ...object.metadata, uid, resourceVersion: String(++this.#version) },
    };
    this.#objects.set(`${kind}/${name}`, { kind, object: kept });
    this.#tell(kind, isNew ? 'ADDED' : 'MODIFIED', kept);
    return kept;
  }

  /** As the kubelet does, some time later. */
  #start(pod: V1Pod): void {
    const name = pod.metadata?.name ?? '';
    const [container] = pod.spec?.containers ?? [];
    if (!container) throw new Error(`${name} has no container`);
    this.#agents.set(name, new SimulatedAgent(container.args ?? []));
    setTimeout(() => {
      if (!this.#objects.has(`pods/${name}`)) return;
      const containerStatuses = [{ name: container.name, state: { running: {} } }];
      this.#keep('pods', { ...pod, status: { phase: 'Running', containerStatuses } } as V1Pod);
      this.#keep('events', {
        metadata: { name: `${name}.started` },
        involvedObject: { name, uid: pod.metadata?.uid ?? '', fieldPath: `spec.containers{${container.name}}` },
        ...{ reason: 'Started', type: 'Normal', message: `Started container ${container.name}` },
      } as CoreV1Event);
    }, startMs);
  }

  #remove(kind: Kind, name: string, response: ServerResponse): void {
    const there = this.#objects.get(`${kind}/${name}`);
    if (!there) return json(response, 404, status(404, 'NotFound', `${kind} "${name}" not found`));
    this.#objects.delete(`${kind}/${name}`);
    this.#agents.get(name)?.end();
    json(response, 200, { kind: 'Status', status: 'Success' });
    this.#tell(kind, 'DELETED', {
      ...there.object,
      metadata: { ...there.object.metadata, resourceVersion: String(++this.#version) },
    });
  }

  #list(kind: Kind, request: Received, response: ServerResponse): void {
    const found = [...this.#objects.values()].flatMap((kept) =>
      kept.kind === kind && isSelected(kept.object, request.query) ? [kept.object] : [],
    );
    if (!request.query.has('watch')) {
      return json(response, 200, { metadata: { resourceVersion: String(this.#version) }, items: found });
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    const watcher = { kind, request, response };
    this.#watchers.add(watcher);
    response.on('close', () => this.#watchers.delete(watcher));
    const since = Number(request.query.get('resourceVersion'));
    for (const object of found) if (Number(object.metadata?.resourceVersion) > since) write(watcher, 'ADDED', object);
  }

  #tell(kind: Kind, type: string, object: KubernetesObject): void {
    for (const watcher of this.#watchers) {
      if (watcher.kind === kind && isSelected(object, watcher.request.query)) write(watcher, type, object);
    }
  }
}

function write({ response }: Watcher, type: string, object: KubernetesObject): void {
  response.write(`${JSON.stringify({ type, object })}\n`);
}

function targetPod(place: number, nodes: number): V1Pod {
  return runningPod(({ metadata, spec, status: { containerStatuses = [] } }) => {
    Object.assign(metadata, { name: `web-${place}`, uid: `uid-web-${place}`, labels: { app: 'web' } });
    spec.nodeName = `node-${place % nodes}`;
    const limits = { cpu: '1', memory: '128Mi' };
    spec.containers = [{ name: 'app', image: 'registry.shop/web:7', resources: { limits } }];
    containerStatuses.length = 1;
    Object.assign(containerStatuses[0] ?? {}, { containerID: `containerd://${String(place).padStart(64, 'a')}` });
  });
}

function isOfExperiment({ metadata }: KubernetesObject): boolean {
  return metadata?.labels?.['app.kubernetes.io/managed-by'] === 'kubectl-chaos';
}

/** Selectors of equality alone. */
function isSelected(object: KubernetesObject, query: URLSearchParams): boolean {
  const labels = requirements(query.get('labelSelector')).every(
    ([key, value]) => object.metadata?.labels?.[key] === value,
  );
  return labels && requirements(query.get('fieldSelector')).every(([path, value]) => fieldOf(object, path) === value);
}

function requirements(selector: string | null): [string, string][] {
  return (selector ?? '').split(',').flatMap((one) => {
    const [key = '', value = ''] = one.split(/==?/);
    return one === '' ? [] : [[key, value] as [string, string]];
  });
}

function fieldOf(object: unknown, path: string): unknown {
  return path.split('.').reduce((at: unknown, name) => (at as Record<string, unknown> | undefined)?.[name], object);
}
