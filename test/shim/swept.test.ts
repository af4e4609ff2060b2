import { describe, expect, test } from 'vitest';
import { parseResidue, parseSwept } from '../../src/shim/swept.ts';

const found = { event: 'residue', at_ms: 1, netns: 7, pid: 5, cgroup: '/x', in_use: false, removed: true };
const sums = { event: 'swept', at_ms: 1, namespaces: 9, found: 4, in_use: 1, removed: 2, left: 1, unseen: 0 };

describe('what a sweep says', () => {
  test('findings, by device, by name or by both', () => {
    const lines = [
      { ...found, what: 'qdisc', device: 'eth0', handle: 'c4a0:' },
      { ...found, what: 'table', name: 'kubectl_chaos_7f3k2' },
      { ...found, netns: undefined, what: 'directory', name: '/data/.kubectl-chaos-7f3k2' },
      { ...found, netns: undefined, what: 'setting', name: 'io.max', device: '8:16' },
    ];
    const local = { pid: 5, cgroup: '/x', inUse: false, removed: true };
    const common = { netns: 7, ...local };
    expect(parseResidue(lines.map((line) => JSON.stringify(line)).join('\n'))).toEqual([
      { ...common, what: 'qdisc', name: 'eth0', handle: 'c4a0:' },
      { ...common, what: 'table', name: 'kubectl_chaos_7f3k2' },
      { ...local, what: 'directory', name: '/data/.kubectl-chaos-7f3k2' },
      { ...local, what: 'setting', name: 'io.max', device: '8:16' },
    ]);
  });

  test('what is none of the contract is passed over', () => {
    const wrong = [
      'nsexec: something on stderr',
      '[]',
      'null',
      JSON.stringify(sums),
      JSON.stringify({ ...found, what: 'volcano', name: 'x' }),
      JSON.stringify({ ...found, what: 'link' }),
      JSON.stringify({ ...found, what: 'link', name: 'x', pid: '5' }),
      JSON.stringify({ ...found, what: 'link', name: 'x', in_use: 'no' }),
      '{"event":"residue","at_ms":1,"netns":7,"pi',
    ];
    expect(parseResidue(wrong.join('\n'))).toEqual([]);
  });

  test('the sums, or nothing', () => {
    const expected = { namespaces: 9, found: 4, inUse: 1, removed: 2, left: 1, unseen: 0 };
    expect(parseSwept(`${JSON.stringify({ event: 'warning' })}\n${JSON.stringify(sums)}\n`)).toEqual(expected);
    expect(parseSwept(JSON.stringify({ ...sums, left: undefined }))).toBeUndefined();
    expect(parseSwept('Error: OOMKilled')).toBeUndefined();
  });
});
