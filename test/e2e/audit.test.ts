import { describe, expect, it } from 'vitest';
import { kubectlJson } from './support/cluster.ts';
import { chaos } from './support/plugin.ts';
import { suiteBesideOthers } from './support/suite.ts';

const ns = 'chaos-e2e-audit';
suiteBesideOthers(ns, ['busybox']);

describe('the target tells of what was done to it', () => {
  it('by an Event at the begin and one at the end', async () => {
    const ended = await chaos(
      ...['stress', 'busybox', '-n', ns, '--memory', '16Mi', '--duration', '3s', '--reason', 'game day'],
    );
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    const { items } = await kubectlJson<{ items: { reason: string; message: string; type: string }[] }>(
      ...['-n', ns, 'get', 'events', '--field-selector', 'involvedObject.name=busybox,source=kubectl-chaos'],
    );
    expect(items.map(({ reason, type }) => `${type} ${reason}`).sort()).toEqual([
      'Normal ChaosEnded',
      'Normal ChaosStarted',
    ]);
    const said = items.map(({ message }) => message).join('\n');
    expect(said).toMatch(/16Mi of memory in container app for 3s, by \S+, as chaos-\w{5}: game day/);
    expect(said).toMatch(/chaos-\w{5}: reverted, nothing left\. Asked for 16Mi of memory/);
  });
});
