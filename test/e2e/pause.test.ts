import { beforeAll, describe, expect, it } from 'vitest';
import { clusterKind, kubectl, lasting, startTarget, until } from './support/cluster.ts';
import { containerId, deleteAgentsByForce, killShims, onNode, splitProcesses } from './support/node.ts';
import { chaos, type Ended, idOf, type Plugin, report, start, untilActive } from './support/plugin.ts';
import { suite } from './support/suite.ts';

/** A container that counts, so that standing still is seen from outside. */
const ns = 'chaos-e2e-pause';
suite(ns, ['busybox', 'deployment']);

const pause = (...flags: string[]): Promise<Ended> => chaos('pause', 'pod/busybox', '-n', ns, ...flags);

async function startPause(...flags: string[]): Promise<Plugin> {
  const plugin = start('pause', 'pod/busybox', '-n', ns, '--duration', '10m', ...flags);
  await untilActive(plugin);
  return plugin;
}

/** Changes into the cgroup that is frozen, of the freezer that the node has. */
const toFreezer = async (): Promise<string> =>
  `cd $(find /host/cgroup/freezer /host/cgroup -type d -name ${await containerId(ns, 'busybox')} 2>/dev/null | head -n 1)`;

async function isFrozen(): Promise<boolean> {
  const text = await onNode(`${await toFreezer()}; cat freezer.state 2>/dev/null || grep frozen cgroup.events`);
  return /FROZEN|frozen 1/.test(text);
}

/** In the target's cgroups and namespaces, beside its own process. */
async function inTarget(script: string): Promise<string> {
  return kubectl('-n', ns, 'exec', 'busybox', '--', 'sh', '-c', script);
}

/** The states of the target's processes of this name, on the node. */
async function statesOf(name: string): Promise<string> {
  const id = await containerId(ns, 'busybox');
  return (
    await onNode(
      `for p in $(cat $(find /host/cgroup -type d -name ${id} | head -n 1)/cgroup.procs); do grep -q "^Name:.${name}" /proc/$p/status && sed -n "s/^State:.\\(.\\).*/\\1/p" /proc/$p/status; done; true`,
    )
  ).replace(/\s/g, '');
}

describe('pause', () => {
  it('the whole container stands still, uses nothing, and goes on', async () => {
    const plugin = start('pause', 'pod/busybox', '-n', ns, '--duration', lasting(4));
    await untilActive(plugin);
    const during = await isFrozen();
    const ended = await plugin.ended;
    expect(during).toBe(true);
    expect(ended.code, plugin.said).toBe(0);
    expect(ended.stdout).toMatch(
      /all of it stood still in (\d+) of \1 samples?; its CPU .*0\.00 cores; it goes on afterwards\. Effective/,
    );
    expect(ended.stdout).toContain('nothing left');
    expect(await isFrozen()).toBe(false);
    expect(await inTarget('echo lives')).toContain('lives');
  });

  it('as one document, with what was measured', async () => {
    const ended = await pause('--duration', lasting(3), '-o', 'json');
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    const { verdict } = report(ended) as unknown as { verdict: { pause: Record<string, number> } };
    expect(verdict.pause.still_samples).toBe(verdict.pause.samples);
    expect(verdict.pause.goes_on).toBe(true);
  });

  it('a second one, and one of somebody else: refused, and the first goes on', async () => {
    const plugin = await startPause();
    const second = await pause('--duration', '5s');
    const still = await isFrozen();
    plugin.kill('SIGINT');
    const ended = await plugin.ended;
    expect(second.code, second.stdout + second.stderr).toBe(1);
    expect(second.stderr).toContain('paused already');
    expect(second.stderr).toContain('nothing was changed');
    expect(still).toBe(true);
    expect(ended.code, plugin.said).toBe(130);
    expect(await isFrozen()).toBe(false);
  });

  it('somebody else thaws it: said to be that, and ended', async () => {
    const plugin = await startPause();
    await onNode(
      `${await toFreezer()}; if test -e freezer.state; then echo THAWED >freezer.state; else echo 0 >cgroup.freeze; fi`,
    );
    const ended = await plugin.ended;
    expect(ended.code, plugin.said).toBe(3);
    expect(ended.stdout).toContain("Problem: somebody else thawed the target's cgroup after");
    expect(ended.stdout).toContain('nothing left');
  });

  it('the shim killed by -9: thawed by its guardian', async () => {
    const plugin = await startPause();
    await killShims();
    await until('it goes on', 3, async () => !(await isFrozen()));
    const ended = await plugin.ended;
    expect(ended.code, plugin.said).toBe(3);
    expect(ended.stdout).toContain('nothing left');
  });

  it('the agent deleted by force: thawed', async () => {
    const plugin = await startPause();
    await deleteAgentsByForce(ns);
    await until('it goes on', 3, async () => !(await isFrozen()));
    const ended = await plugin.ended;
    expect([3, 4], plugin.said).toContain(ended.code);
  });

  it('the command killed by -9: thawed when the lease has run out', async () => {
    const plugin = await startPause('--lease', '5s');
    plugin.kill('SIGKILL');
    await until('it goes on', 10, async () => !(await isFrozen()));
    const stopped = await chaos('stop', '-n', ns, idOf(plugin));
    expect(stopped.code, stopped.stdout + stopped.stderr).toBe(0);
  });

  it('the pod deleted meanwhile: it goes as soon as without', async () => {
    const plugin = start('pause', 'deploy/web', '-n', ns, '--duration', '5m');
    await untilActive(plugin);
    const pod = /pod\/(web-\S+)/.exec(plugin.stdout)?.[1] ?? '';
    const id = await containerId(ns, pod);
    await kubectl('-n', ns, 'delete', 'pod', pod, '--wait=false');
    // Not the object, of which the kubelet may be late to tell.
    await until('its processes are gone', 20, async () => (await splitProcesses(id)).own.length === 0);
    expect((await plugin.ended).code, plugin.said).toBe(3);
  });

  it('detached: its own time ends it', async () => {
    const detached = await pause('--duration', lasting(8), '--detach');
    expect(detached.code, detached.stderr).toBe(0);
    expect(await isFrozen()).toBe(true);
    await until('it goes on', clusterKind === 'vm' ? 60 : 30, async () => !(await isFrozen()));
    const id = /chaos-\w{5}/.exec(detached.stdout + detached.stderr)?.[0] ?? '';
    const stopped = await chaos('stop', '-n', ns, id);
    expect(stopped.code, stopped.stdout + stopped.stderr).toBe(0);
  });

  it('without an attach', async () => {
    const ended = await pause('--duration', lasting(3), '--no-attach');
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    expect(ended.stdout).toContain('Effective.');
  });

  it('all of two pods at once', async () => {
    const ended = await chaos(
      'pause',
      '-l',
      'app=web',
      '--all',
      '-n',
      ns,
      '--duration',
      lasting(4),
      '-o',
      'json',
      '--yes',
    );
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    const { targets } = JSON.parse(ended.stdout) as { targets: { effective: boolean; reverted: boolean }[] };
    expect(targets.map(({ effective, reverted }) => [effective, reverted])).toEqual([
      [true, true],
      [true, true],
    ]);
  });
});

/** By a process in the container's memory group that is not in its freezer, which only v1 has. */
describe.skipIf(clusterKind !== 'host')('pause, and the OOM killer takes a process of what stands still', () => {
  /** A container in which one process holds 40 MiB. */
  const startHolder = (pod: string, command: string) =>
    startTarget(ns, 'busybox', (text) =>
      text
        .replace('name: busybox', `name: ${pod}`)
        .replace('      resources:', `      command: [sh, -c, '${command}']\n      resources:`),
    );

  /** What is left of the container's memory is taken by a process that is not frozen, whose score is far lower. */
  async function pauseAndFill(pod: string): Promise<Ended> {
    const group = `$(find /host/cgroup/memory -type d -name ${await containerId(ns, pod)})`;
    const usage = async () => Number(await onNode(`cat ${group}/memory.usage_in_bytes`));
    await until('one of its processes holds 40 MiB', 30, async () => (await usage()) > 40 * 2 ** 20);
    const plugin = start('pause', pod, '-n', ns, '--duration', '10s');
    await untilActive(plugin);
    await onNode(`sh -c 'echo $$ >${group}/cgroup.procs; exec perl -e "sysread STDIN, \\$room, 110 << 20"' </dev/zero`);
    return plugin.ended;
  }

  beforeAll(async () => {
    await startHolder('first', 'x=$(head -c 42m /dev/zero | tr "\\0" x); while :; do sleep 1; done');
    await startHolder('child', '{ head -c 42m /dev/zero; sleep 1000; } | tail -c 42m & while :; do sleep 1; done');
  });

  it('its first: the container ends, which is told as what it was, and nothing is left', async () => {
    const ended = await pauseAndFill('first');
    expect(ended.code, ended.stdout + ended.stderr).toBe(3);
    // A kubelet is waited for two seconds.
    expect(ended.stdout).toMatch(/Problem: the target .*OOMKilled, exit code 137|the target's process ended after/);
    expect(ended.stdout).toContain('its first process was ended meanwhile, so that it does not go on');
    expect(ended.stdout).toContain('nothing left');
  });

  it('another one: the rest stands still to the end, and it is said', async () => {
    const ended = await pauseAndFill('child');
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    expect(ended.stdout).toContain('the OOM killer ended 1 process of it meanwhile; it goes on afterwards. Effective');
    expect(ended.stdout).toContain('nothing left');
  });
});

describe('pause --match', () => {
  it('some of its processes, and no others', async () => {
    await inTarget('sleep 61 >/dev/null 2>&1 & sleep 62 >/dev/null 2>&1 & :');
    const plugin = start('pause', 'pod/busybox', '-n', ns, '--match', 'sleep 6?', '--duration', lasting(5));
    await untilActive(plugin);
    const states = await statesOf('sleep');
    // The container goes on.
    const lives = await inTarget('echo lives');
    const ended = await plugin.ended;
    expect(states).toContain('TT');
    expect(lives).toContain('lives');
    expect(ended.code, plugin.said).toBe(0);
    expect(ended.stdout).toMatch(/2 processes stood still in (\d+) of \1 samples?.*Effective/);
    expect(ended.stdout + ended.stderr).toContain('stopped  2 processes: sleep (pid');
    await until('they go on', 3, async () => !(await statesOf('sleep')).includes('T'));
  });

  it('nobody is meant: refused', async () => {
    const ended = await pause('--match', 'nobody', '--duration', '5s');
    expect(ended.code, ended.stdout + ended.stderr).toBe(1);
    expect(ended.stderr).toContain('--match "nobody" means no process of container app');
    expect(ended.stderr).toContain('nothing was changed');
  });
});
