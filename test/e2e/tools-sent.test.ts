import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lasting, repository, until } from './support/cluster.ts';
import { ourShims, residue } from './support/node.ts';
import { chaos, type Plugin, report, start } from './support/plugin.ts';
import { slowServer } from './support/slow-server.ts';
import { suiteBesideOthers } from './support/suite.ts';

const ns = 'chaos-e2e-tools-sent';
suiteBesideOthers(ns, ['busybox', 'distroless']);

const { toolboxes } = JSON.parse(readFileSync(`${repository}/dist/toolbox.json`, 'utf8')) as {
  toolboxes: { stress: { amd64: { bytes: number } } };
};
/** In base64. */
const sentBytes = (toolboxes.stress.amd64.bytes * 4) / 3;

const stress = (pod: string, ...flags: string[]) =>
  start('stress', pod, '-n', ns, '--memory', '16Mi', '--duration', lasting(5), '-o', 'json', ...flags);

/** A fault whose tools are on their way, a third of them gone. */
async function sending(...flags: string[]): Promise<{ plugin: Plugin; cut: () => void; sent: () => number }> {
  const slow = await slowServer({ bytesPerSecond: 1e6, delayMs: 25 });
  onTestFinished(() => slow.line.stop());
  const plugin = stress('busybox', ...slow.flags, ...flags);
  await until('a third of the tools has been sent', 60, () => slow.line.sent() > sentBytes / 3);
  return { plugin, ...slow.line };
}

describe('tools that are sent to the agent', () => {
  it('serve two experiments that begin at once on one node', async () => {
    const both = ['busybox', 'distroless'].map((pod) => stress(pod));
    for (const { ended } of both) {
      const one = await ended;
      expect(one.code, one.stdout + one.stderr).toBe(0);
      expect(report(one)).toMatchObject({ effective: true, reverted: true, left: [], problems: [] });
    }
  });

  it('are taken up where their stream broke, and not sent again', async () => {
    const { plugin, cut, sent } = await sending();
    cut();
    const ended = await plugin.ended;
    expect(ended.code, plugin.said).toBe(0);
    expect(report(ended)).toMatchObject({ effective: true, reverted: true, left: [] });
    // Besides them the shim, requests, and what was on the way when the stream broke.
    expect(sent()).toBeLessThan(sentBytes * 1.2);
  });

  it('are of no use any more when another client stops the experiment meanwhile', async () => {
    const { plugin } = await sending();
    const stopped = await chaos('stop', '--all', '-n', ns);
    expect(stopped.code, stopped.stdout + stopped.stderr).toBe(0);
    const ended = await plugin.ended;
    expect(ended.code, plugin.said).toBe(1);
    expect(plugin.said).toContain('nothing was changed');
  });

  it('are forgotten with the command that was killed while it sent them', async () => {
    const { plugin } = await sending('--lease', '5s');
    plugin.kill('SIGKILL');
    await until('the shim has ended', 20, async () => (await ourShims()).length === 0);
    const ended = await chaos('stop', '--all', '-n', ns);
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    expect(await residue()).toEqual([]);
  });
});
