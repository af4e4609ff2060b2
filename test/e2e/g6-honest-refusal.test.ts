import { describe, expect, it } from 'vitest';
import { apply, kubectl, kubectlJson, setQuota, until } from './support/cluster.ts';
import { chaos } from './support/plugin.ts';
import { suiteBesideOthers } from './support/suite.ts';

const ns = 'chaos-e2e-g6';
suiteBesideOthers(ns, ['busybox', 'two-containers']);

const podOf = (name: string, spec: string) => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  terminationGracePeriodSeconds: 0
${spec}
`;

async function created(): Promise<number> {
  const events = await kubectlJson<{ items: unknown[] }>(
    '-n',
    ns,
    'get',
    'pods,configmaps',
    '-l',
    'app.kubernetes.io/managed-by=kubectl-chaos',
  );
  return events.items.length;
}

async function refused(args: string[], words: RegExp): Promise<void> {
  const ended = await chaos('stress', '-n', ns, '--cpu', '1', '--duration', '3s', ...args);
  expect(ended.code, ended.stdout + ended.stderr).toBe(1);
  expect(ended.stderr).toMatch(words);
  expect(ended.stderr).toContain('nothing was changed');
  // One line says what and why; the hint and the state follow, each on its own.
  expect(ended.stderr.split('\n').filter((line) => line.startsWith('error:'))).toHaveLength(1);
  expect(await created()).toBe(0);
}

describe('G6 honest refusal, before anything is created', () => {
  it('no such pod, with the names there are', () => refused(['busibox'], /busibox.*busybox|busybox/s));
  it('no such container, with the names there are', () => refused(['two-containers', '-c', 'web'], /app.*sidecar/s));
  it('no such namespace', () => refused(['busybox', '-n', 'chaos-e2e-none'], /chaos-e2e-none/));
  it('no such deployment', () => refused(['deploy/none'], /none/));

  it('a pod that has completed', async () => {
    await apply(
      podOf(
        'done',
        '  restartPolicy: Never\n  containers: [{name: app, image: "localhost/kubectl-chaos/test/busybox:1", imagePullPolicy: Never, command: ["true"]}]',
      ),
      ns,
    );
    await until(
      'it is done',
      20,
      async () => (await kubectl('-n', ns, 'get', 'pod', 'done', '-o', 'jsonpath={.status.phase}')) === 'Succeeded',
    );
    await refused(['done'], /Succeeded|completed/i);
  });

  it('a container that waits, with its reason', async () => {
    await apply(
      podOf('waits', '  containers: [{name: app, image: "localhost/kubectl-chaos/none:1", imagePullPolicy: Never}]'),
      ns,
    );
    await until('it waits', 20, async () =>
      (
        await kubectl(
          '-n',
          ns,
          'get',
          'pod',
          'waits',
          '-o',
          'jsonpath={.status.containerStatuses[0].state.waiting.reason}',
        )
      ).startsWith('ErrImage'),
    );
    await refused(['waits'], /ErrImageNeverPull/);
  });

  it('an init container', async () => {
    await apply(
      podOf(
        'inits',
        '  initContainers: [{name: prepare, image: "localhost/kubectl-chaos/test/busybox:1", imagePullPolicy: Never, command: ["true"]}]\n  containers: [{name: app, image: "localhost/kubectl-chaos/test/busybox:1", imagePullPolicy: Never}]',
      ),
      ns,
    );
    await kubectl('-n', ns, 'wait', '--for=condition=Ready', 'pod/inits', '--timeout=60s');
    await refused(['inits', '-c', 'prepare'], /init container/);
  });

  it('the right that is missing, by verb and resource', async () => {
    await kubectl('-n', ns, 'create', 'role', 'looker', '--verb=get,list,watch', '--resource=pods').catch(() => '');
    await kubectl('-n', ns, 'create', 'rolebinding', 'looker', '--role=looker', '--user=looker').catch(() => '');
    await refused(
      ['busybox', '--as', 'looker'],
      /create and delete pods; .*pods\/attach; create, delete and patch configmaps; .* in namespace chaos-e2e-g6/,
    );
  });

  it('a quota that has no room', async () => {
    try {
      await setQuota(ns, 2);
      await refused(['busybox'], /quota/i);
    } finally {
      await kubectl('-n', ns, 'delete', 'quota', 'full');
    }
  });

  it('an image that cannot be had, at once and by its name', async () => {
    const began = Date.now();
    await refused(
      ['busybox', '--image', 'localhost/kubectl-chaos/none:1'],
      /localhost\/kubectl-chaos\/none:1.*--image/s,
    );
    expect(Date.now() - began).toBeLessThan(60_000);
  });

  it('an unreachable API server, by its address', async () => {
    const ended = await chaos('stress', 'busybox', '-n', ns, '--cpu', '1', '--server', 'https://127.0.0.1:9');
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('127.0.0.1:9');
  });

  it('--dry-run=client prints the plan, or the objects, and creates nothing', async () => {
    const ended = await chaos('stress', 'busybox', '-n', ns, '--memory', '50%', '--dry-run=client');
    expect(ended.code, ended.stderr).toBe(0);
    expect(ended.stdout).toContain('50% of the container');
    expect(ended.stdout).not.toContain('kind: Pod');
    expect(await created()).toBe(0);
    // What kubectl's users pipe on: the objects alone.
    const piped = await chaos('stress', 'busybox', '-n', ns, '--memory', '50%', '--dry-run', '-o', 'yaml');
    expect(piped.stdout.split(/^---\n/m).slice(1)).toHaveLength(2);
    await apply(piped.stdout, ns, '--dry-run=server');
    expect(await created()).toBe(0);
  });

  it('--dry-run=server has the API server answer, and creates nothing', async () => {
    const ended = await chaos('stress', 'busybox', '-n', ns, '--cpu', '1', '--dry-run=server');
    expect(ended.code, ended.stderr).toBe(0);
    expect(ended.stderr).toContain('the API server accepts every object; nothing was created');
    expect(await created()).toBe(0);
  });
});
