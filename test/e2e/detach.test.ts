import { describe, expect, it } from 'vitest';
import { kubeletSeconds, lasting, patience, until } from './support/cluster.ts';
import { containerId, residue, splitProcesses } from './support/node.ts';
import { chaos, type Ended, type Plugin, start, untilActive } from './support/plugin.ts';
import { suiteBesideOthers } from './support/suite.ts';

const ns = 'chaos-e2e-detach';
suiteBesideOthers(ns, ['distroless', 'busybox']);

/** The default lease is 15 s. */
const longerThanLeaseMs = 20_000;

interface Left {
  kind: string;
  id: string;
  until: string;
}

async function detach(...args: string[]): Promise<Left> {
  const [verb = '', ...more] = args;
  const ended = await chaos(verb, '-n', ns, '--detach', '-o', 'json', ...more);
  expect(ended.code, ended.stdout + ended.stderr).toBe(0);
  return JSON.parse(ended.stdout) as Left;
}

async function stressors(pod: string): Promise<number> {
  return (await splitProcesses(await containerId(ns, pod))).stressors.length;
}

async function state(): Promise<string | undefined> {
  const { stdout } = await chaos('ls', '-n', ns, '-o', 'json');
  return (JSON.parse(stdout) as { items: { state: string }[] }).items[0]?.state;
}

/** Attaches, waits until it has shown what `sign` says, and leaves. */
async function watchAndLeave(id: string, sign: RegExp): Promise<Ended> {
  const watching: Plugin = start('attach', id, '-n', ns);
  await until('shown', 30, () => sign.test(watching.stderr));
  watching.kill('SIGINT');
  return watching.ended;
}

async function stop(id: string): Promise<void> {
  const stopped = await chaos('stop', id, '-n', ns);
  expect(stopped.code, stopped.stdout + stopped.stderr).toBe(0);
  expect(stopped.stdout).toContain('reverted, nothing left');
  expect(await residue()).toEqual([]);
}

describe('G2, G3, G4 a detached fault', () => {
  it('is in force without its plugin for longer than a lease, is looked at and left, and ends by stop', async () => {
    const left = await detach('stress', 'distroless', '--cpu', '1', '--duration', '5m');
    expect(left.kind).toBe('detached');
    const detachedAt = Date.now();
    await until('longer than a lease', 30, async () => {
      expect(await stressors('distroless'), 'while nobody is there').toBeGreaterThan(0);
      return Date.now() - detachedAt > longerThanLeaseMs;
    });

    const watched = await watchAndLeave(left.id, /CPU before → now/);
    expect(watched.code, watched.stdout + watched.stderr).toBe(0);
    expect(watched.stdout).toMatch(/in force: 1 busy CPU/);
    expect(watched.stdout).toMatch(/the fault continues/);
    expect(watched.stdout).toContain(`kubectl chaos stop ${left.id} -n ${ns}`);

    const leftAt = Date.now();
    await until('a while more', 30, async () => {
      expect(await stressors('distroless'), 'after it was left').toBeGreaterThan(0);
      return Date.now() - leftAt > 3_000;
    });
    await stop(left.id);
  });

  it('ends by its own time, and whoever comes then is told how and takes the rest away', async () => {
    const { id, until: end } = await detach('stress', 'busybox', '--cpu', '1', '--duration', lasting(5));
    await until('ended', kubeletSeconds, async () => (await state()) === 'ended');
    expect(Date.now(), 'not before its time').toBeGreaterThan(new Date(end).getTime() - 1_000);
    expect(await stressors('busybox')).toBe(0);
    const told = await chaos('attach', id, '-n', ns);
    expect(told.code, told.stdout + told.stderr).toBe(0);
    expect(told.stdout).toMatch(/nothing left\nNo verdict: not observed long enough/);
    expect(await residue()).toEqual([]);
  });

  it('that is watched to its end is judged, and taken back', async () => {
    const { id } = await detach('stress', 'distroless', '--memory', '16Mi', '--duration', lasting(12));
    const watched = await chaos('attach', id, '-n', ns);
    expect(watched.code, watched.stdout + watched.stderr).toBe(0);
    expect(watched.stdout).toMatch(/reverted in .*nothing left/);
    expect(watched.stdout).toMatch(/Asked for 16Mi of memory.*Effective\.$/m);
    expect(await residue()).toEqual([]);
  });

  it('of the network is counted by whoever attaches, and ends by stop', async () => {
    const { id } = await detach('net', 'busybox', '--partition', '--to', '192.0.2.1', '--duration', '5m');
    const watched = await watchAndLeave(id, /PACKETS AFFECTED/);
    expect(watched.code, watched.stdout + watched.stderr).toBe(0);
    expect(watched.stdout).toMatch(/in force: partition on egress and ingress to 192\.0\.2\.1/);
    await stop(id);
  });

  it('that is interrupted before it is active leaves nothing', async () => {
    const plugin = start('stress', 'distroless', '-n', ns, '--cpu', '1', '--duration', '5m', '--detach');
    await until('launched', 30, () => /undo {5}kubectl/.test(plugin.stderr));
    plugin.kill('SIGINT');
    expect((await plugin.ended).code, plugin.said).toBe(130);
    expect(await residue()).toEqual([]);
  });
});

describe('several targets that are detached', () => {
  // In the order of their names, as targets are.
  const pods = ['busybox', 'distroless'];
  const several = (...flags: string[]) => detach('stress', ...pods, ...flags);
  const all = () => Promise.all(pods.map(stressors));

  it('are in force without their plugin, are looked at and left, and end by stop, each by its own word', async () => {
    const { id } = await several('--cpu', '1', '--duration', '5m');
    const detachedAt = Date.now();
    await until('longer than a lease', 30, async () => {
      expect(Math.min(...(await all())), 'while nobody is there').toBeGreaterThan(0);
      return Date.now() - detachedAt > longerThanLeaseMs;
    });
    const watched = await watchAndLeave(id, /CPU before → now/);
    expect(watched.code, watched.stdout + watched.stderr).toBe(0);
    expect(watched.stdout.match(/in force: 1 busy CPU/g)).toHaveLength(2);
    expect(watched.stdout).toMatch(/the fault continues/);
    expect(Math.min(...(await all())), 'after they were left').toBeGreaterThan(0);
    const askedAt = Date.now();
    const stopped = await chaos('stop', id, '-n', ns, '-o', 'json');
    expect(stopped.code, stopped.stdout + stopped.stderr).toBe(0);
    // A kubelet that is waited for takes the twenty seconds that are given to it, and more.
    expect(Date.now() - askedAt).toBeLessThan(15_000 * patience);
    const [item] = (JSON.parse(stopped.stdout) as { items: { gone: boolean; targets: object[] }[] }).items;
    expect(item).toMatchObject({ gone: true, targets: pods.map((pod) => ({ pod, reverted: true })) });
    expect(await all()).toEqual([0, 0]);
    expect(await residue()).toEqual([]);
  });

  it('are judged by whoever watches them to their end', async () => {
    const { id } = await several('--memory', '16Mi', '--duration', lasting(12));
    const watched = await chaos('attach', id, '-n', ns);
    expect(watched.code, watched.stdout + watched.stderr).toBe(0);
    expect(watched.stdout).toMatch(/^Effective on 2 of 2 targets\.$/m);
    expect(await residue()).toEqual([]);
  });

  it('end by their own time, and their agent with them', async () => {
    const { id } = await several('--memory', '16Mi', '--duration', lasting(5));
    await until('ended', kubeletSeconds, async () => (await state()) === 'ended');
    expect(await all()).toEqual([0, 0]);
    const told = await chaos('attach', id, '-n', ns);
    expect(told.code, told.stdout + told.stderr).toBe(0);
    expect(told.stdout).toContain('nothing left');
    expect(await residue()).toEqual([]);
  });
});

describe('attach', () => {
  it('refuses what is not detached, and leaves it alone', async () => {
    const plugin = start('stress', 'distroless', '-n', ns, '--cpu', '1', '--duration', '60s');
    await untilActive(plugin);
    const id = /as (chaos-\w{5})/.exec(plugin.stderr)?.[1] ?? '';
    const refused = await chaos('attach', id, '-n', ns);
    expect(refused.code, refused.stdout + refused.stderr).toBe(1);
    expect(refused.stderr).toContain('was not started with --detach');
    plugin.kill('SIGINT');
    expect((await plugin.ended).code, plugin.said).toBe(130);
  });
});
