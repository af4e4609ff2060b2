import { afterEach, describe, expect, it } from 'vitest';
import { kubectl } from './support/cluster.ts';
import { containerId, onNode, ourNetworkStates } from './support/node.ts';
import { chaos, type Ended, start, untilActive } from './support/plugin.ts';
import { suite } from './support/suite.ts';

const ns = 'chaos-e2e-sweep';
suite(ns, ['distroless', 'busybox']);

/** What a fault leaves in the pod's network when nobody is left to undo it: made by hand, through the observer. */
const made = [
  'tc qdisc add dev eth0 root handle c4a0: tbf rate 10mbit burst 32kb latency 50ms',
  'nft add table inet kubectl_chaos_7f3k2',
];
const unmade = ['tc qdisc del dev eth0 root', 'nft delete table inet kubectl_chaos_7f3k2'];

async function inNetworkOf(pod: string, lines: readonly string[]): Promise<void> {
  const id = await containerId(ns, pod);
  const find = `p=$(grep -l ${id} /proc/[0-9]*/cgroup 2>/dev/null | head -n 1)`;
  await onNode(`${find}; nsenter --net=\${p%/cgroup}/ns/net sh -ec '${lines.join('; ')}'`);
}

async function nodeOf(pod: string): Promise<string> {
  return kubectl('-n', ns, 'get', 'pod', pod, '-o', 'jsonpath={.spec.nodeName}');
}

interface Document {
  nodes: {
    residue: { what: string; name: string; pod?: string; in_use: boolean; removed: boolean }[];
    swept: { found: number; in_use: number; left: number };
  }[];
}

function findings(ended: Ended): Document['nodes'][number]['residue'] {
  const { nodes } = JSON.parse(ended.stdout) as Document;
  return nodes.flatMap(({ residue }) => residue);
}

describe('G4 sweep', () => {
  afterEach(async () => {
    await inNetworkOf('busybox', ['true', ...unmade.map((line) => `${line} 2>/dev/null || true`)]);
  });

  it('a clean node is called clean, and nothing of the sweep stays', async () => {
    const ended = await chaos('sweep', await nodeOf('busybox'), '-n', ns);
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    expect(ended.stdout).toMatch(/networks on 1 of 1 nodes inspected: nothing found\.\n$/);
  });

  it('residue without a record: listed with its pod, removed by --yes, and then gone', async () => {
    await inNetworkOf('busybox', made);
    const node = await nodeOf('busybox');
    const listed = await chaos('sweep', node, '-n', ns, '-o', 'json');
    expect(listed.code, listed.stdout + listed.stderr).toBe(3);
    expect(findings(listed)).toMatchObject([
      { what: 'qdisc', name: 'eth0', pod: `${ns}/busybox`, in_use: false, removed: false },
      { what: 'table', name: 'kubectl_chaos_7f3k2', pod: `${ns}/busybox`, in_use: false, removed: false },
    ]);
    expect(await ourNetworkStates(), 'a listing touches nothing').not.toEqual([]);
    const swept = await chaos('sweep', '--all-nodes', '-n', ns, '--yes');
    expect(swept.code, swept.stdout + swept.stderr).toBe(0);
    expect(swept.stdout).toMatch(/busybox +qdisc +eth0 c4a0: +removed$/m);
    expect(await ourNetworkStates()).toEqual([]);
  });

  it('a running fault is in use, and left alone', async () => {
    const plugin = start('net', 'busybox', '-n', ns, '--partition', '--to', '192.0.2.1', '--duration', '60s');
    await untilActive(plugin);
    const before = await ourNetworkStates();
    const swept = await chaos('sweep', await nodeOf('busybox'), '-n', ns, '--yes', '-o', 'json');
    expect(swept.code, swept.stdout + swept.stderr).toBe(0);
    expect(findings(swept).map((one) => one.in_use)).not.toContain(false);
    expect(findings(swept)).not.toEqual([]);
    expect(await ourNetworkStates()).toEqual(before);
    plugin.kill('SIGINT');
    expect((await plugin.ended).stdout).toContain('nothing left');
  });
});
