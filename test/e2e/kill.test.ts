import { beforeAll, describe, expect, it } from 'vitest';
import { apply, kubectl, kubectlJson, patience, setQuota, startTarget, until } from './support/cluster.ts';
import { chaos } from './support/plugin.ts';
import { suiteBesideOthers } from './support/suite.ts';

const ns = 'chaos-e2e-kill';
suiteBesideOthers(ns, ['deployment']);

const service = `
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
`;

/** What of the outcome's document is looked at here. */
interface Killed {
  exit_code: number;
  requests: Record<string, number>;
  targets: {
    problems: string[];
    verdict: {
      effective: boolean;
      proofs: { what: string; effective: boolean; sentence: string }[];
      kill: {
        rounds?: { skipped?: string; found?: { processes: { comm: string; pid: number; outcome: string }[] } }[];
        ends: { exit_code: number }[];
        disturbances: { ready_ms?: number }[];
        newcomers: string[];
        ready_pods: { before: number; lowest: number; after: number };
        services: { name: string; before: number; lowest: number; after: number }[];
      };
    };
  }[];
}

async function kill(...words: string[]) {
  const ended = await chaos('kill', '-n', ns, '-o', 'json', ...words);
  expect(ended.stdout, ended.stderr).not.toBe('');
  const document = JSON.parse(ended.stdout) as Killed;
  const verdict = document.targets?.[0]?.verdict;
  return { ended, document, verdict, killed: verdict?.kill };
}

async function restarts(pod: string): Promise<number> {
  const { status } = await kubectlJson<{ status: { containerStatuses: { restartCount: number }[] } }>(
    ...['-n', ns, 'get', 'pod', pod],
  );
  return status.containerStatuses[0]?.restartCount ?? 0;
}

/** One for each test, since the kubelet waits longer with each restart. */
const pods = ['handles', 'ends', 'worker', 'again'] as const;
const startPod = (pod: string) => startTarget(ns, 'busybox', (text) => text.replace('name: busybox', `name: ${pod}`));

describe('a signal', () => {
  beforeAll(() => Promise.all(pods.map(startPod)));

  it('to the first process, which has a handler: it ends by itself, is started again, and is ready again', async () => {
    const { document, killed, verdict, ended } = await kill('handles', '--expect-ready-within', `${60 * patience}s`);
    expect(document.exit_code, ended.stdout + ended.stderr).toBe(0);
    expect(killed?.ends).toEqual([expect.objectContaining({ exit_code: 0 })]);
    expect(killed?.disturbances[0]?.ready_ms).toBeGreaterThan(0);
    expect(verdict?.proofs[0]?.sentence).toMatch(/^SIGTERM was sent to \S+ \(pid 1\), which ended$/);
    expect(await restarts('handles')).toBe(1);
  });

  it('KILL ends it with 137, one restart more', async () => {
    const before = await restarts('ends');
    const { document, killed, ended } = await kill('ends', '--signal', 'KILL');
    expect(document.exit_code, ended.stdout + ended.stderr).toBe(0);
    expect(killed?.ends).toEqual([expect.objectContaining({ exit_code: 137 })]);
    expect(await restarts('ends')).toBe(before + 1);
  });

  it('to processes by their name: those end, and the container goes on', async () => {
    const { document, killed, ended } = await kill('worker', '--match', 'sleep', '--signal', 'KILL');
    expect(document.exit_code, ended.stdout + ended.stderr).toBe(0);
    expect(killed?.rounds?.[0]?.found?.processes).toEqual([
      expect.objectContaining({ comm: 'sleep', outcome: 'ended' }),
    ]);
    expect(killed?.ends).toEqual([]);
    expect(await restarts('worker')).toBe(0);
  });

  it('that would be lost is refused before anything is changed', async () => {
    await startTarget(ns, 'busybox', (text) =>
      text.replace('name: busybox', 'name: deaf').replace(/(\n\s*)(image: .*)/, '$1$2$1command: [sleep, "3600"]'),
    );
    const ended = await chaos('kill', 'deaf', '-n', ns);
    expect(ended.code, ended.stdout + ended.stderr).toBe(1);
    expect(ended.stderr).toContain('the kernel drops it');
    expect(ended.stderr).toContain('--signal KILL');
    expect(ended.stderr).toContain('State of the target: nothing was changed.');
    expect(await restarts('deaf')).toBe(0);
  });

  it('again and again goes on in the containers that are started, by one agent', async () => {
    const { document, killed, ended } = await kill(
      ...['again', '--signal', 'KILL', '--every', '4s', '--duration', '20s', '--expect-ready-within', '2m'],
    );
    expect(document.exit_code, ended.stdout + ended.stderr).toBe(0);
    expect(killed?.ends.length).toBeGreaterThan(1);
    expect(document.requests['create pods']).toBe(1);
    expect(await restarts('again')).toBe(killed?.ends.length);
  });
});

it('a signal to the containers of several pods is sent to all of them, by one agent', async () => {
  const { document, ended } = await kill('deploy/web', '--all', '--signal', 'KILL', '--expect-ready-within', '1m');
  expect(document.exit_code, ended.stdout + ended.stderr).toBe(0);
  expect(document.targets.map(({ verdict }) => verdict.kill.ends.map(({ exit_code }) => exit_code))).toEqual([
    [137],
    [137],
  ]);
  expect(document.requests['create pods']).toBe(1);
});

describe('the deletion of a pod', () => {
  beforeAll(() => apply(service, ns));

  const endpoints = async () => {
    const { subsets = [] } = await kubectlJson<{ subsets?: { addresses?: unknown[] }[] }>(
      ...['-n', ns, 'get', 'endpoints', 'web'],
    );
    return subsets.flatMap(({ addresses = [] }) => addresses).length;
  };

  it('of a Deployment: another takes its place, endpoints are counted, and there is no agent', async () => {
    await until('two endpoints', 60, async () => (await endpoints()) === 2);
    const { document, killed, verdict, ended } = await kill(
      ...['deploy/web', '--pod', '--grace-period', '1', '--expect-ready-within', `${60 * patience}s`],
    );
    expect(document.exit_code, ended.stdout + ended.stderr).toBe(0);
    expect(document.requests).not.toHaveProperty('create pods');
    expect(document.requests).not.toHaveProperty('create configmaps');
    expect(document.requests['delete pods']).toBe(1);
    expect(killed?.newcomers).toHaveLength(1);
    expect(killed?.ready_pods).toEqual({ before: 2, lowest: 1, after: 2 });
    expect(killed?.services).toEqual([expect.objectContaining({ name: 'web', before: 2, lowest: 1 })]);
    expect(verdict?.proofs.map(({ effective }) => effective)).toEqual([true, true]);
    expect(
      await kubectl(
        '-n',
        ns,
        'get',
        'configmaps,pods',
        '-l',
        'app.kubernetes.io/managed-by=kubectl-chaos',
        '-o',
        'name',
      ),
    ).toBe('');
  });

  it('fails when nothing is ready in its place in time', async () => {
    await until('two endpoints', 60, async () => (await endpoints()) === 2);
    // No other pod may come.
    await setQuota(ns, 1);
    const { document, verdict, ended } = await kill('deploy/web', '--pod', '--expect-ready-within', '3s');
    await kubectl('-n', ns, 'delete', 'quota', 'full');
    expect(document.exit_code, ended.stdout + ended.stderr).toBe(3);
    expect(verdict?.proofs[1]?.sentence).toContain('not ready again within 3s');
  });

  it('of a pod that nothing makes again is refused, unless that is allowed', async () => {
    const refused = await chaos('kill', 'worker', '--pod', '-n', ns);
    expect(refused.code, refused.stdout + refused.stderr).toBe(1);
    expect(refused.stderr).toContain('--allow-bare-pod');
    const { document, ended } = await kill('worker', '--pod', '--grace-period', '1', '--allow-bare-pod');
    expect(document.exit_code, ended.stdout + ended.stderr).toBe(0);
  });
});
