import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { toolsImage } from '../support/tools-image.ts';
import {
  apply,
  clusterKind,
  kubectl,
  kubectlJson,
  kubeletSeconds,
  lasting,
  repository,
  until,
} from './support/cluster.ts';
import { agentAndShims, containerId, killProcesses, splitProcesses } from './support/node.ts';
import { chaos, idOf, type Plugin, start, untilActive } from './support/plugin.ts';
import { suite } from './support/suite.ts';

/** Several nodes: two more kubelets on the machine of the host cluster, with containers and cgroups of their own. */
const ns = 'chaos-e2e-nodes';
const nodes = ['127.0.0.1', '127.0.0.2', '127.0.0.3'];
/** Its power fails in one of the tests. */
const dying = '127.0.0.3';
const perNode = 4;
const targets = nodes.flatMap((node) =>
  Array.from({ length: perNode }, (_, index) => ({ node, name: `web-${node.split('.').at(-1)}-${index}` })),
);

const pod = ({ name, node }: { name: string; node: string }) => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: web}}
spec:
  nodeName: ${node}
  tolerations: [{operator: Exists}]
  terminationGracePeriodSeconds: 1
  containers:
    - name: app
      image: localhost/kubectl-chaos/test/busybox:1
      imagePullPolicy: Never
      resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {cpu: 500m, memory: 128Mi}}
`;

interface Outcome {
  exit_code: number;
  targets: { target: { pod: string; node: string }; effective: boolean; reverted: boolean; problems: string[] }[];
  left: string[];
  times: { active_ms: number; active_spread_ms: number };
  requests: Record<string, number>;
}

/** Those that are not there, or are going, and until all are ready: one that is not is left out by `--all`. */
async function startTargets(wanted = targets): Promise<void> {
  const going = ['get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].metadata.deletionTimestamp}'];
  await until('who is going has gone', kubeletSeconds, async () => (await kubectl('-n', ns, ...going)) === '');
  await apply(wanted.map(pod).join('---'), ns);
  await kubectl('-n', ns, 'wait', '--for=condition=Ready', 'pods', '-l', 'app=web', '--timeout=120s');
}

/** A fault on all of them; the words before it is waited for. */
const onAll = (duration: string, ...words: string[]): Plugin =>
  start('stress', '-l', 'app=web', '--all', '-n', ns, '--memory', '16Mi', '--duration', duration, ...words);

const agentsOf = async (
  plugin: Plugin,
): Promise<{ metadata: { name: string; uid: string }; spec: { nodeName: string } }[]> => {
  const label = `kubectl-chaos.io/experiment=${idOf(plugin)}`;
  return (await kubectlJson<{ items: never[] }>('-n', ns, 'get', 'pods', '-l', label)).items;
};

const onCluster = (program: string, ...words: string[]) =>
  promisify(execFile)(`${repository}/test/cluster/${program}`, words, { timeout: 240_000 });

async function stressorsIn(containers: readonly string[]): Promise<number> {
  const each = await Promise.all(containers.map(splitProcesses));
  return each.reduce((sum, { stressors }) => sum + stressors.length, 0);
}

async function outcomeOf(plugin: Plugin): Promise<Outcome> {
  const ended = await plugin.ended;
  expect(ended.stdout, plugin.said).toMatch(/^\{/);
  return JSON.parse(ended.stdout) as Outcome;
}

const why = clusterKind === 'host' ? undefined : 'only the host cluster can have more nodes';
describe.skipIf(why !== undefined)(`a fault on several nodes${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  suite(ns, []);
  beforeAll(async () => {
    await Promise.all(['2', '3'].map((place) => onCluster('host-worker', place)));
    await startTargets();
  }, 300_000);

  it('hits every target by one agent a node, all begun together, and leaves nothing', async () => {
    const containers = await Promise.all(targets.map(({ name }) => containerId(ns, name)));
    const plugin = onAll(lasting(10));
    await untilActive(plugin);
    const each = await Promise.all(containers.map(splitProcesses));
    expect(Math.min(...each.map(({ stressors }) => stressors.length))).toBeGreaterThan(0);
    const agents = await agentsOf(plugin);
    expect(agents.map(({ spec }) => spec.nodeName).sort()).toEqual(nodes);
    const ended = await plugin.ended;
    expect(ended.code, plugin.said).toBe(0);
    expect(ended.stderr).toMatch(/^impact {3}12 pods on 3 nodes$/m);
    expect(ended.stdout).toMatch(/^ok: active after \S+ {3}12 targets on 3 nodes, within \S+$/m);
    expect(ended.stdout).toMatch(/^Effective on 12 of 12 targets\.$/m);
    expect(ended.stdout).toContain('nothing left');
  });

  it('asks the API server for each node, not for each target', async () => {
    const { exit_code, times, requests, targets: ended } = await outcomeOf(onAll(lasting(6), '-o', 'json'));
    expect(exit_code).toBe(0);
    expect(ended).toHaveLength(targets.length);
    expect(times.active_spread_ms).toBeGreaterThanOrEqual(0);
    expect(requests['create pods']).toBe(nodes.length);
    const attaches = Object.entries(requests).filter(([name]) => name.includes('attach'));
    expect(
      attaches.reduce((sum, [, count]) => sum + count, 0),
      JSON.stringify(requests),
    ).toBeLessThanOrEqual(nodes.length + 1);
    // Of each node; of all agents, all targets, and the removal; and one that was made anew.
    expect(requests['watch pods'], JSON.stringify(requests)).toBeLessThanOrEqual(nodes.length + 4);
    expect(requests['watch events'], JSON.stringify(requests)).toBeLessThanOrEqual(2);
    // Those of the end are not waited for longer than two seconds.
    expect(requests['create events'], JSON.stringify(requests)).toBeGreaterThan(targets.length);
    expect(requests['create events'], JSON.stringify(requests)).toBeLessThanOrEqual(2 * targets.length);
  });

  it('is left in force on all nodes, found by another command, and ended by stop, of each target by its own word', async () => {
    const left = await onAll('10m', '--detach', '-o', 'json').ended;
    expect(left.code, left.stdout + left.stderr).toBe(0);
    const { id, targets: detached } = JSON.parse(left.stdout) as { id: string; targets: object[] };
    expect(detached).toHaveLength(targets.length);
    const watching = start('attach', id, '-n', ns);
    await until('the table is shown', 30, () => /^ *STATE +TARGET/m.test(watching.stderr));
    watching.kill('SIGINT');
    expect((await watching.ended).code, watching.said).toBe(0);
    const stopped = await chaos('stop', id, '-n', ns, '-o', 'json');
    expect(stopped.code, stopped.stdout + stopped.stderr).toBe(0);
    const [item] = (JSON.parse(stopped.stdout) as { items: { targets: { pod: string; reverted: boolean }[] }[] }).items;
    expect(item?.targets.map((one) => one.pod).sort()).toEqual(targets.map(({ name }) => name).sort());
    expect(item?.targets.every(({ reverted }) => reverted)).toBe(true);
  });

  it('is effective on all nodes without an attach', async () => {
    const outcome = await outcomeOf(onAll(lasting(10), '--no-attach', '--image', toolsImage, '-o', 'json'));
    expect(outcome).toMatchObject({ exit_code: 0, left: [] });
    expect(outcome.targets.map(({ effective, reverted }) => effective && reverted)).toEqual(targets.map(() => true));
    expect(outcome.requests['create pods']).toBe(2 * nodes.length);
  });

  it('goes on with the rest when an agent is deleted, when one is killed, and when a target is deleted', async () => {
    const plugin = onAll(lasting(14));
    await untilActive(plugin);
    const agents = await agentsOf(plugin);
    const lost = agents.find(({ spec }) => spec.nodeName === '127.0.0.2')?.metadata.name ?? '';
    const killed = agents.find(({ spec }) => spec.nodeName === '127.0.0.1')?.metadata.uid ?? '';
    await kubectl('-n', ns, 'delete', 'pod', lost, 'web-3-1', '--wait=false');
    await killProcesses((await agentAndShims({ experiments: [], pods: [], containers: [], agents: [killed] })).agent);
    const ended = await plugin.ended;
    expect(ended.code, plugin.said).toBe(3);
    expect(ended.stdout).toMatch(/^Effective on 3 of 12 targets\.$/m);
    expect(ended.stdout).toMatch(/^pod\/web-1-\d \(app\) and 3 more: Problem: the agent ended early: exit code 137/m);
    expect(ended.stdout).toMatch(
      /^pod\/web-2-\d \(app\) and 3 more: Problem: the agent pod was deleted by somebody else\.$/m,
    );
    expect(ended.stdout).toMatch(
      /^pod\/web-3-1 \(app\): Problem: the target pod .* was deleted during the experiment\.$/m,
    );
    expect(ended.stdout).toContain('nothing left');
  });

  it('is ended by one signal on all nodes', async () => {
    await startTargets();
    const plugin = start('stress', '-l', 'app=web', '--count', '6', '-n', ns, '--memory', '16Mi', '--duration', '10m');
    await untilActive(plugin);
    expect((await agentsOf(plugin)).map(({ spec }) => spec.nodeName).sort()).toEqual(nodes);
    plugin.kill('SIGINT');
    const ended = await plugin.ended;
    expect(ended.code, plugin.said).toBe(130);
    expect(ended.stdout).toContain('nothing left');
  });

  it('is ended on all nodes when one of them dies, of which nothing is confirmed', async () => {
    await startTargets();
    const plugin = onAll('10m', '--lease', '5s');
    await untilActive(plugin);
    const dead = (await agentsOf(plugin)).find(({ spec }) => spec.nodeName === dying)?.metadata.name ?? '';
    await onCluster('host-power-off', '3');
    const ended = await plugin.ended;
    expect(ended.code, plugin.said).toBe(4);
    expect(
      ended.stdout.match(/^ {2}pod\/web-3-\d \(app\) .* NOT confirmed to be reverted$/gm),
      plugin.said,
    ).toHaveLength(4);
    expect(ended.stdout).toMatch(/^Effective on 8 of 12 targets\.$/m);
    expect(ended.stdout).toMatch(new RegExp(`^error: Not confirmed to be gone: .*\\bpod/${dead}\\.$`, 'm'));
    expect(ended.stdout).toContain('delete pod,configmap');
    // Its kubelet cannot say any more that the agent, or a target, has ended.
    await kubectl('delete', 'node', dying);
    const onIt = ['--field-selector', `spec.nodeName=${dying}`];
    await kubectl('-n', ns, 'delete', 'pods', ...onIt, '--force', '--grace-period=0');
    await until('what is left is stopped', kubeletSeconds, async () => {
      const stopped = await chaos('stop', idOf(plugin), '-n', ns);
      return stopped.code === 0 || stopped.stderr.includes('there is no experiment');
    });
  }, 300_000);

  it('is let go by the leases while the API server does not answer for half a minute, and says so', async () => {
    // After the death of a node, since a kubelet is late with everything when the API server was away, and pods are not ready for a while.
    const living = targets.filter(({ node }) => node !== dying);
    await startTargets(living);
    const containers = await Promise.all(living.map(({ name }) => containerId(ns, name)));
    const plugin = onAll('10m');
    await untilActive(plugin);
    expect(await stressorsIn(containers)).toBeGreaterThan(0);
    const hanging = execFile(`${repository}/test/cluster/host-hang`, ['apiserver', '30']);
    const over = once(hanging, 'exit');
    try {
      if (hanging.stdout) await once(hanging.stdout, 'data');
      await until('no stressor is left', 18, async () => (await stressorsIn(containers)) === 0);
      expect(hanging.exitCode, 'it hangs still').toBeNull();
    } finally {
      await over;
    }
    const ended = await plugin.ended;
    expect(ended.code, plugin.said).toBe(3);
    // With the time of each where the streams have outlived it; the same for all where only the agents' last words tell.
    const problems = ended.stdout.match(/^pod\/.*: Problem: .*$/gm) ?? [];
    expect(problems.length, ended.stdout).toBeGreaterThan(0);
    // A server that answers again may tell first that it has not heard from a node meanwhile.
    const lease =
      /the shim did not hear from this command for 15s and|is not ready \(Kubelet stopped posting node status/;
    for (const problem of problems) expect(problem).toMatch(lease);
    expect(ended.stdout).toMatch(/^Effective on 0 of 8 targets\.$/m);
    expect(ended.stdout).not.toContain('NOT confirmed');
    expect(ended.stdout).toContain('nothing left');
  });
});
