import type http from 'node:http';
import type { V1Pod } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { runExperiment } from '../../src/experiment/run.ts';
import { KubernetesCluster } from '../../src/kubernetes/cluster.ts';
import type { Rest } from '../../src/kubernetes/rest.ts';
import type { Memberships, Surroundings } from '../../src/ports.ts';
import type { Request } from '../../src/requests.ts';
import { ApiServer, json, until, WatchFeed } from '../fakes/api-server.ts';
import { RecordingReporter } from '../fakes/reporter.ts';
import { active, ended, request, resolved, reverted, sample, sampleEvent, target } from '../fakes/samples.ts';
import { FakeSignals } from '../fakes/signals.ts';
import { wireLine } from '../fakes/wire.ts';
import { restFor } from './support.ts';

const id = 'chaos-7f3k2';
const pods = '/api/v1/namespaces/shop/pods';
const configMaps = '/api/v1/namespaces/shop/configmaps';

/** What is around the target is not what these tests are about. */
class AroundAgents extends KubernetesCluster {
  override async findTargets(): ReturnType<KubernetesCluster['findTargets']> {
    return { targets: [target()], skipped: [] };
  }
  override async surroundings(): Promise<Surroundings> {
    return { protectedBy: [], experiments: [], nodeTroubles: [], unchecked: [] };
  }
  override async memberships(): Promise<Memberships> {
    return { pods: [], workloads: [], budgets: [], unknown: [] };
  }
  override async *followTarget(): AsyncGenerator<never> {}
  override async *followNode(): AsyncGenerator<never> {}
  override async recordEvent(): Promise<void> {}
}

let server: ApiServer;
let rest: Rest;
let feed: WatchFeed;
let signals: FakeSignals;
let reporter: RecordingReporter;
/** The pods that there are, by name. */
let there: Map<string, V1Pod>;
let logs: Map<string, http.ServerResponse>;

beforeEach(async () => {
  server = await ApiServer.start();
  rest = restFor(server);
  feed = new WatchFeed();
  signals = new FakeSignals();
  reporter = new RecordingReporter();
  there = new Map();
  logs = new Map();
  let version = 100;
  const show = (type: string, pod: V1Pod) => {
    Object.assign(pod.metadata ?? {}, { resourceVersion: String(++version) });
    feed.send(type, pod);
  };
  const events = new WatchFeed();
  server
    .on('GET', '/api/v1/namespaces/shop/events', events.handler)
    .on('GET', pods, ({ query, ...request }, response) => {
      if (query.has('watch')) {
        feed.handler({ query, ...request }, response);
        // What has come about since the version that it begins with.
        for (const pod of there.values()) feed.send('MODIFIED', pod);
        return;
      }
      json(response, 200, { metadata: { resourceVersion: String(version) }, items: [...there.values()] });
    })
    .on('POST', configMaps, (_, response) => json(response, 201, { kind: 'ConfigMap' }))
    .on('PATCH', `${configMaps}/${id}`, (_, response) => json(response, 200, { kind: 'ConfigMap' }))
    .on('DELETE', `${configMaps}/${id}`, (_, response) => json(response, 200, { kind: 'Status', status: 'Success' }))
    .on('POST', pods, ({ body }, response) => {
      const pod = structuredClone(body) as V1Pod;
      const name = pod.metadata?.name ?? '';
      Object.assign(pod.metadata ?? {}, { uid: `uid-${name}`, resourceVersion: String(++version) });
      json(response, 201, pod);
      const status = { name: 'target-0', state: { running: {} }, restartCount: 0, ready: true, image: '', imageID: '' };
      const running = { ...pod, status: { phase: 'Running', containerStatuses: [status] } };
      there.set(name, running);
      show('MODIFIED', running);
    })
    .on('DELETE', new RegExp(`^${pods}/${id}-[01]$`), ({ path, body }, response) => {
      const name = path.split('/').at(-1) ?? '';
      const pod = there.get(name) as V1Pod;
      json(response, 200, pod);
      if ((body as { gracePeriodSeconds?: number }).gracePeriodSeconds === 0) {
        there.delete(name);
        logs.get(name)?.end();
        show('DELETED', pod);
      } else {
        write(name, ended({ reason: 'signal', runMs: 500 }), sampleEvent(9), reverted());
        show('MODIFIED', { ...pod, metadata: { ...pod.metadata, deletionTimestamp: new Date() } });
      }
    })
    .on('GET', new RegExp(`^${pods}/${id}-[01]/log$`), ({ path }, response) => {
      const name = path.split('/').at(-2) ?? '';
      response.writeHead(200, { 'content-type': 'text/plain' });
      logs.set(name, response);
      write(name, resolved(sample(0)), ...(name.endsWith('1') ? [active()] : []));
      let seconds = 0;
      const timer = setInterval(() => write(name, sampleEvent(++seconds, name.endsWith('1') ? 0.99 : 0.02)), 50);
      response.on('close', () => clearInterval(timer));
    });
});
afterEach(async () => {
  await server.stop();
});

/** Into the log of a pod, each line with its time. */
function write(pod: string, ...events: object[]): void {
  const nanoseconds = () => String(process.hrtime.bigint() % 1_000_000n).padStart(6, '0');
  const log = logs.get(pod);
  for (const event of log?.writableEnded ? [] : events) {
    const time = new Date().toISOString().replace('Z', `${nanoseconds()}Z`);
    log?.write(`${time} ${wireLine(event)}\n`);
  }
}

async function run(asked: Request) {
  const cluster = new AroundAgents(rest, 'shop', async () => Buffer.from('shim'));
  try {
    return await runExperiment(asked, {
      ...{ cluster, clock: systemClock, signals, reporter, randomSuffix: () => '7f3k2', who: 'ada' },
      toolbox: () => Promise.reject(new Error('an image that is named has the tools')),
      tidying: { remove: async () => [] },
      ...{ protectedContexts: undefined, startedAt: systemClock.now() },
    });
  } finally {
    cluster.close();
  }
}

/** Begins one, interrupts it once it is active and measured, and gives how it ended. */
async function interrupted(asked: Request) {
  const ending = run(asked);
  await until('active', () => reporter.kinds.includes('sample'), 30_000);
  signals.send('SIGINT');
  return ending;
}

const agentCalls = () =>
  server.received
    .filter(({ query, path }) => !query.has('watch') && /pods(\/|$)|configmaps/.test(path))
    .map(({ method, path }) => `${method} ${path.replace('/api/v1/namespaces/shop/', '')}`)
    .filter((call) => call !== 'GET pods');

describe('a run without an attach, against an API server', () => {
  const without = [
    `GET pods/${id}-0/log`,
    'POST pods',
    `PATCH configmaps/${id}`,
    `DELETE pods/${id}-0`,
    `GET pods/${id}-1/log`,
    `DELETE pods/${id}-1`,
  ];

  it('is measured, begun, ended by the deletion of its pod, and removed', async () => {
    const outcome = await interrupted(request({}, { noAttach: true }));
    expect(outcome).toMatchObject({
      ...{ exitCode: 130, left: [] },
      targets: [{ reverted: true, revertedBy: 'shim', problems: [], verdict: { effective: true } }],
    });
    expect(agentCalls().slice(3, -2)).toEqual(without);
    expect(there.size).toBe(0);
  });

  it.each([
    ['a proxy drops Upgrade', { status: 400, body: '<h1>Bad Request</h1>' }, 'drop "Upgrade: websocket"'],
    ['a policy refuses it', { status: 403, body: 'Forbidden' }, 'drop "Upgrade: websocket"'],
  ])('is what a run becomes where %s', async (_, answer, why) => {
    server.refuseAttach(answer);
    const outcome = await interrupted(request());
    expect(outcome).toMatchObject({ exitCode: 130, left: [], targets: [{ reverted: true, problems: [] }] });
    expect(agentCalls().slice(3, -2)).toEqual([`GET pods/${id}-0/attach`, ...without]);
    expect(reporter.of('warning').map(({ message }) => message)).toEqual([
      expect.stringMatching(new RegExp(`^no attach through ${server.url}: going on without it \\(.*${why}`)),
    ]);
  });
});
