import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { toolsImage } from '../support/tools-image.ts';
import { kubectl, kubectlJson, kubeletSeconds, lasting, until } from './support/cluster.ts';
import { withDisk } from './support/disk.ts';
import { kubectlProxy, withoutUpgrade } from './support/http-proxy.ts';
import { containerId, killShims, residue, splitProcesses } from './support/node.ts';
import { chaos, type Ended, idOf, report, start, untilActive } from './support/plugin.ts';
import { suiteBesideOthers } from './support/suite.ts';

const ns = 'chaos-e2e-no-attach';
suiteBesideOthers(ns, ['distroless', 'busybox']);
withDisk(ns, ['io-data']);

/** Tools are sent over an attach: without one they come with the image. */
const withTools = ['--image', toolsImage];
const unattached = (...args: string[]) => [
  ...['stress', 'distroless', '-n', ns, '--memory', '16Mi', '--no-attach', ...withTools, ...args],
];

/** On two targets of one node. */
const ofSeveral = ['stress', 'distroless', 'busybox', '-n', ns, '--memory', '16Mi', ...withTools];

interface Agent {
  metadata: { name: string };
  spec: { activeDeadlineSeconds: number };
}

async function stressors(): Promise<number> {
  return (await splitProcesses(await containerId(ns, 'distroless'))).stressors.length;
}

function expectEffective(ended: Ended): void {
  expect(ended.code, ended.stdout + ended.stderr).toBe(0);
  const { effective, reverted, left, problems, requests } = report(ended);
  expect({ effective, reverted, left, problems }).toEqual({ effective: true, reverted: true, left: [], problems: [] });
  expect(requests).toMatchObject({ 'create pods': 2, 'create configmaps': 1 });
}

describe('a fault without an attach', () => {
  it('is effective, reverted, and nothing is left', async () => {
    const ended = await chaos(...unattached('--duration', lasting(10), '-o', 'json'));
    expectEffective(ended);
    expect(report(ended).requests).not.toHaveProperty('get pods/attach');
    expect(await residue()).toEqual([]);
  });

  it('holds a percentage of the memory that the first agent has read', async () => {
    const args = [
      'stress',
      'busybox',
      '-n',
      ns,
      '--memory',
      '50%',
      '--no-attach',
      ...withTools,
      '--duration',
      lasting(10),
    ];
    expectEffective(await chaos(...args, '-o', 'json'));
  });

  it('fills a file system by a workload that says what it did', async () => {
    const args = ['io', 'io-data', '-n', ns, '--path', '/data', '--fill', '40Mi', '--leave', '1Mi', '--no-attach'];
    const ended = await chaos(...args, '--duration', lasting(8), '-v');
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    expect(ended.stderr).toMatch(/^filled 40 MiB/m);
  });

  it.each([
    ['is reverted when it is interrupted', unattached()],
    ['on several targets, too', [...ofSeveral, '--no-attach']],
  ])('%s', async (_what, words) => {
    const plugin = start(...words, '--duration', '5m');
    await untilActive(plugin);
    plugin.kill('SIGINT');
    const ended = await plugin.ended;
    expect(ended.code, plugin.said).toBe(130);
    expect(ended.stdout).toContain('nothing left');
    expect(await residue()).toEqual([]);
  });

  it('ends by its own time when its plugin is killed, is watched from elsewhere, and what it leaves is taken away', async () => {
    const plugin = start(...unattached('--duration', lasting(20)));
    await untilActive(plugin);
    const id = idOf(plugin);
    plugin.kill('SIGKILL');
    await plugin.ended;
    expect(await stressors()).toBeGreaterThan(0);
    const watched = await chaos('attach', id, '-n', ns);
    expect(watched.code, watched.stdout + watched.stderr).toBe(0);
    expect(watched.stdout).toMatch(/reverted in .*nothing left/);
    expect(await residue()).toEqual([]);
  });

  it('whose plugin is killed is ended by stop', async () => {
    const plugin = start(...unattached('--duration', '5m'));
    await untilActive(plugin);
    const id = idOf(plugin);
    plugin.kill('SIGKILL');
    await plugin.ended;
    const stopped = await chaos('stop', id, '-n', ns);
    expect(stopped.code, stopped.stdout + stopped.stderr).toBe(0);
    expect(await residue()).toEqual([]);
  });

  it.each(['attach', 'stop'])(
    'whose plugin is killed between its two agents: the first ends by itself, the second by its own time, and %s takes away both',
    async (verb) => {
      const behind = await kubectlProxy('--reject-paths=^$');
      let patches = 0;
      // Of the ConfigMap: for each agent one, behind its creation.
      const isSecond = ({ method, url = '' }: IncomingMessage) =>
        method === 'PATCH' && url.includes('/configmaps/') && ++patches === 2;
      const proxy = await withoutUpgrade(behind.url, isSecond);
      const plugin = start(...unattached('--duration', verb === 'attach' ? '20s' : '5m', '--server', proxy.url));
      const early = plugin.ended.then(() => Promise.reject(new Error(plugin.said)));
      try {
        await Promise.race([until('the second agent is there', kubeletSeconds, () => patches === 2), early]);
      } finally {
        plugin.kill('SIGKILL');
        await plugin.ended;
        proxy.stop();
        await behind.stop();
      }
      const id = idOf(plugin);
      const list = ['get', 'pods', '-l', `kubectl-chaos.io/experiment=${id}`];
      const { items } = await kubectlJson<{ items: Agent[] }>('-n', ns, ...list);
      expect(items.map(({ metadata }) => metadata.name).sort()).toEqual([`${id}-0`, `${id}-1`]);
      for (const { spec } of items) expect(spec.activeDeadlineSeconds).toBeGreaterThan(0);
      if (verb === 'stop') {
        const phase = ['get', 'pod', `${id}-0`, '-o', 'jsonpath={.status.phase}'];
        await until(
          'the first has ended',
          kubeletSeconds,
          async () => (await kubectl('-n', ns, ...phase)) === 'Failed',
        );
        expect(await stressors()).toBeGreaterThan(0);
      }
      const ended = await chaos(verb, id, '-n', ns);
      expect(ended.code, ended.stdout + ended.stderr).toBe(0);
      expect(await stressors()).toBe(0);
      expect(await residue()).toEqual([]);
    },
  );

  it('whose shim is killed is told of', async () => {
    const plugin = start(...unattached('--duration', '5m'));
    await untilActive(plugin);
    await killShims();
    await until('the stressors gone', 2, async () => (await stressors()) === 0);
    const ended = await plugin.ended;
    expect(ended.code, plugin.said).toBe(3);
    expect(ended.stdout).toContain('did not report its end');
  });

  it('whose pod somebody else deletes is reverted, and told of', async () => {
    const plugin = start(...unattached('--duration', '5m'));
    await untilActive(plugin);
    await kubectl('-n', ns, 'delete', 'pod', `${idOf(plugin)}-1`, '--wait=false');
    const ended = await plugin.ended;
    expect(ended.code, plugin.said).toBe(3);
    expect(ended.stdout + ended.stderr).toContain('deleted by somebody else');
  });

  it('returns when it is detached, and is stopped', async () => {
    const left = await chaos(...unattached('--duration', '5m', '--detach', '-o', 'json'));
    expect(left.code, left.stdout + left.stderr).toBe(0);
    const { id } = JSON.parse(left.stdout) as { id: string };
    const stopped = await chaos('stop', id, '-n', ns);
    expect(stopped.code, stopped.stdout + stopped.stderr).toBe(0);
    expect(await residue()).toEqual([]);
  });
});

describe('several targets without an attach', () => {
  const words = [...ofSeveral, '--no-attach'];

  it('are effective and reverted, with two agents one after the other, and nothing is left', async () => {
    const ended = await chaos(...words, '--duration', lasting(10));
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    expect(ended.stdout).toMatch(/^Effective on 2 of 2 targets\.$/m);
    expect(await residue()).toEqual([]);
  });

  it('are left in force, watched from elsewhere by their log, and stopped', async () => {
    const left = await chaos(...words, '--duration', '5m', '--detach', '-o', 'json');
    expect(left.code, left.stdout + left.stderr).toBe(0);
    const { id, targets } = JSON.parse(left.stdout) as { id: string; targets: object[] };
    expect(targets).toHaveLength(2);
    const watching = start('attach', id, '-n', ns);
    await until('both are shown', 30, () => (watching.said.match(/in force: /g) ?? []).length === 2);
    watching.kill('SIGINT');
    expect((await watching.ended).code, watching.said).toBe(0);
    const stopped = await chaos('stop', id, '-n', ns);
    expect(stopped.code, stopped.stdout + stopped.stderr).toBe(0);
    expect(await residue()).toEqual([]);
  });
});

describe('where attaching is refused', () => {
  const one = ['stress', 'distroless', '-n', ns, '--memory', '16Mi', ...withTools];
  const through = (url: string, ...args: string[]) =>
    chaos(...one, '--duration', lasting(10), '--server', url, ...args);

  it('by a proxy that drops Upgrade, a stress goes on without, and says so', async () => {
    const behind = await kubectlProxy('--reject-paths=^$');
    const proxy = await withoutUpgrade(behind.url);
    try {
      const ended = await through(proxy.url);
      expect(ended.code, ended.stdout + ended.stderr).toBe(0);
      expect(ended.stdout).toContain('Effective.');
      expect(ended.stderr).toContain(`no attach through ${proxy.url}: going on without it`);
      const several = await chaos(...ofSeveral, '--duration', lasting(10), '--server', proxy.url);
      expect(several.code, several.stdout + several.stderr).toBe(0);
      expect(several.stdout).toMatch(/^Effective on 2 of 2 targets\.$/m);
    } finally {
      proxy.stop();
      await behind.stop();
    }
  });

  it('by kubectl proxy, too; and a fault of the network says what to do', async () => {
    const proxy = await kubectlProxy();
    try {
      expectEffective(await through(proxy.url, '-o', 'json'));
      const net = await chaos('net', 'busybox', '-n', ns, '--delay', '5ms', '--server', proxy.url);
      expect(net.code, net.stdout + net.stderr).toBe(1);
      expect(net.stderr).toContain('did not open the WebSocket of attach');
    } finally {
      await proxy.stop();
    }
  });
});
