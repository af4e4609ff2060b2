import { describe, expect, it } from 'vitest';
import { patience, until } from './support/cluster.ts';
import { containerId, splitProcesses, untilNothingLeft } from './support/node.ts';
import { type Plugin, start, untilActive } from './support/plugin.ts';
import { suiteBesideOthers } from './support/suite.ts';

const ns = 'chaos-e2e-g4';
suiteBesideOthers(ns, ['distroless', 'busybox']);

async function whenActive(...args: string[]): Promise<Plugin> {
  const plugin = start('stress', 'distroless', '-n', ns, '--cpu', '1', '--duration', '60s', ...args);
  await untilActive(plugin);
  return plugin;
}

const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

describe('G4 nothing left', () => {
  for (const [signal, code] of Object.entries(exitCodes)) {
    it(`${signal} once: stops, waits for the confirmed revert, exits ${code}`, async () => {
      const plugin = await whenActive();
      plugin.kill(signal as keyof typeof exitCodes);
      const ended = await plugin.ended;
      expect(ended.code, plugin.said).toBe(code);
      expect(ended.stdout).toContain('reverted in');
      expect(ended.stdout).toContain('nothing left');
      const id = await containerId(ns, 'distroless');
      expect((await splitProcesses(id)).stressors).toEqual([]);
      await untilNothingLeft(3);
    });
  }

  it('a second Ctrl-C leaves at once, and prints what is left and how to remove it', async () => {
    // A workload that ignores TERM, and a long grace: the stop takes its time.
    const plugin = start(
      'stress',
      'busybox',
      '-n',
      ns,
      '--duration',
      '60s',
      '--grace',
      '30s',
      '--lease',
      '5s',
      '--',
      '--cpu',
      '1',
      '--oomable',
    );
    await untilActive(plugin);
    plugin.kill('SIGINT');
    await until('the first is heard', 15, () => plugin.stderr.includes('stopping'));
    plugin.kill('SIGINT');
    const ended = await plugin.ended;
    // It had reverted before the second signal came, which may find it on its way out.
    if (ended.code === 130 || (ended.signal === 'SIGINT' && ended.stdout.includes('nothing left'))) return;
    expect(ended.code, plugin.said).toBe(4);
    expect(ended.stderr).toContain('delete pod,configmap');
    const { kubectl } = await import('./support/cluster.ts');
    await kubectl('-n', ns, 'delete', 'pod,configmap', '-l', 'app.kubernetes.io/managed-by=kubectl-chaos');
    await untilNothingLeft(30 / patience + 10);
  });

  it('Ctrl-C while the agent pod is starting leaves nothing', async () => {
    const plugin = start('stress', 'distroless', '-n', ns, '--cpu', '1');
    await until('it is planned', 20, () => plugin.stderr.includes('undo'));
    plugin.kill('SIGINT');
    const ended = await plugin.ended;
    expect(ended.code, plugin.said).toBe(130);
    // A container may be started although its pod has just been deleted: its shim ends by its lease at the latest.
    await untilNothingLeft(30);
  });
});
