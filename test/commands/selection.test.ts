import type { V1Pod } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { KubernetesCluster } from '../../src/kubernetes/cluster.ts';
import { main } from '../../src/main.ts';
import { ApiServer, json, status } from '../fakes/api-server.ts';
import { commandPorts } from '../fakes/command-ports.ts';
import { readyNode, runningPod } from '../kubernetes/objects.ts';
import { restFor } from '../kubernetes/support.ts';
import { faultsOf } from '../support/documents.ts';

/** From the command line to what is asked of an API server, and back. */

let server: ApiServer;
let pods: V1Pod[];

beforeEach(async () => {
  server = await ApiServer.start();
  const rule = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] };
  const ofWeb = { apiVersion: 'apps/v1', uid: 'u', controller: true, kind: 'ReplicaSet', name: 'web-5d8f' };
  pods = [1, 2, 3, 4].map((index) =>
    runningPod(({ metadata, spec }) => {
      Object.assign(metadata, { name: `web-5d8f-${index}`, uid: `uid-${index}`, ownerReferences: [ofWeb] });
      metadata.labels = { app: 'web', 'pod-template-hash': '5d8f' };
      spec.nodeName = `node-${index % 2}`;
    }),
  );
  const budget = {
    metadata: { name: 'web' },
    spec: { selector: { matchLabels: { app: 'web' } } },
    status: { currentHealthy: 4, desiredHealthy: 3 },
  };
  server
    .on('GET', '/api/v1/namespaces/shop/pods', (_, response) => json(response, 200, { metadata: {}, items: pods }))
    .on('GET', '/api/v1/pods', (_, response) => json(response, 200, { items: [] }))
    .on('GET', '/api/v1/namespaces/shop', (_, response) => json(response, 200, { metadata: { name: 'shop' } }))
    .on('GET', /^\/api\/v1\/nodes\/[^/]+$/, ({ path }, response) =>
      json(
        response,
        200,
        readyNode(({ metadata }) => Object.assign(metadata, { name: path.split('/').at(-1) })),
      ),
    )
    .on('GET', '/api/v1/nodes', (_, response) => json(response, 403, status(403, 'Forbidden', 'no')))
    .on('GET', '/apis/apps/v1/namespaces/shop/deployments/web', (_, response) =>
      json(response, 200, { spec: { selector: { matchLabels: { app: 'web' } } }, status: { readyReplicas: 4 } }),
    )
    .on('GET', '/apis/policy/v1/namespaces/shop/poddisruptionbudgets', (_, response) =>
      json(response, 200, { items: [budget] }),
    )
    .on('POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', (_, response) =>
      json(response, 201, { status: { resourceRules: [rule], incomplete: false } }),
    );
});
afterEach(() => server.stop());

/** One command in an experiment of this suffix. */
async function chaos(line: string, suffix = '7f3k2'): Promise<{ code: number; stdout: string; stderr: string }> {
  const ports = commandPorts('nothing but the API server is asked', {
    ...{ clock: systemClock, who: 'ada', randomSuffix: () => suffix, env: { KUBECTL_CHAOS_IMAGE: 'tools:1' } },
    connect: async () => new KubernetesCluster(restFor(server), 'shop', async () => Buffer.from('shim')),
  });
  const code = await main(line.split(' '), ports);
  return { code, stdout: ports.stdout.text, stderr: ports.stderr.text };
}

interface Plan {
  targets: { target: { pod: string; node: string; container: string } }[];
  selection: { seed: string };
  impact: unknown;
}

async function planOf(words: string, suffix?: string): Promise<Plan> {
  const { code, stdout, stderr } = await chaos(`stress ${words} --cpu 1 --dry-run -o json`, suffix);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const document = JSON.parse(stdout);
  expect(faultsOf(document)).toEqual([]);
  return document;
}

const podsOf = ({ targets }: Plan): string[] => targets.map(({ target }) => target.pod);

describe('a dry run', () => {
  test.each(['-l app=web', 'deploy/web', 'deploy/web --count 2', '-l app=web --percent 60'])(
    '%s is what a run with its seed takes, whatever the order of the list',
    async (words) => {
      const chosen = new Set<string>();
      for (const suffix of ['aaaaa', 'bbbbb', 'ccccc', 'ddddd', 'eeeee', 'fffff']) {
        const plan = await planOf(words, suffix);
        pods.reverse();
        expect(podsOf(await planOf(`${words} --seed ${plan.selection.seed}`, 'zzzzz'))).toEqual(podsOf(plan));
        chosen.add(podsOf(plan).join());
      }
      expect(chosen.size).toBeGreaterThan(1);
    },
  );

  test('of several spreads them over the nodes, and says what they break', async () => {
    const plan = await planOf('-l app=web --count 2');
    expect(new Set(plan.targets.map(({ target }) => target.node)).size).toBe(2);
    expect(plan.impact).toEqual({
      ...{ pods: 2, containers: 2, nodes: 2 },
      workloads: [{ name: 'deployment/web', hit: 2, ready: 4, ready_left: 2 }],
      broken_budgets: [{ name: 'web', healthy_left: 2, needed: 3 }],
      unknown: [],
    });
    const all = await planOf('-l app=web --all --all-containers');
    expect(all.targets.map(({ target }) => `${target.pod} ${target.container}`)).toEqual(
      [1, 2, 3, 4].flatMap((index) => [`web-5d8f-${index} app`, `web-5d8f-${index} proxy`]),
    );
  });

  test('says all of it to people, of one target in a line', async () => {
    const one = await chaos('stress -l app=web --cpu 1 --dry-run');
    expect(one.code).toBe(0);
    expect(one.stderr).toMatch(
      /^target {3}pod\/web-5d8f-\d \(app\) in shop on node-\d, one of 4 running of -l app=web \(--seed 7f3k2\)\nimpact {3}1 of 4 ready pods of deployment\/web\nfault /m,
    );
    const many = await chaos('stress -l app=web --percent 100 --cpu 1 --dry-run');
    expect(many.stderr).toMatch(
      /^impact {3}4 pods on 2 nodes\n {9}all 4 ready pods of deployment\/web\n {9}may break PodDisruptionBudget web: 3 healthy needed, 0 left\nfault /m,
    );
  });

  test('without the rights for it says in a line what is not known, and goes on', async () => {
    for (const path of [/deployments/, /poddisruptionbudgets/]) {
      server.on('GET', path, (_, response) => json(response, 403, status(403, 'Forbidden', 'you may not')));
    }
    const { code, stderr } = await chaos('stress pod/web-5d8f-1 --cpu 1 --dry-run');
    expect(code).toBe(0);
    expect(
      stderr.match(/^impact {3}not known: .*PodDisruptionBudgets .*ready pods of replicaset\/web-5d8f.*$/gm),
    ).toHaveLength(1);
  });

  test('creates nothing, and neither does a run whose record does not fit into its agent pods', async () => {
    await planOf('-l app=web --all');
    const note = `--agent-annotation example.com/note=${'x'.repeat(250_000)}`;
    const run = await chaos(`stress -l app=web --all --cpu 1 --seed x --detach ${note}`);
    expect(run.code).toBe(1);
    expect(run.stdout).toBe('');
    expect(run.stderr).toMatch(
      /^error: what the agent pod on node node-1 has to hold of its 2 targets is 24\dKi, and /m,
    );
    expect(run.stderr).toContain('State of the target: nothing was changed.');
    expect(server.received.filter(({ method, path }) => method !== 'GET' && !/reviews$/.test(path))).toEqual([]);
  });
});
