import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readProcesses, signalQuestion } from '../../../src/faults/kill/processes.ts';
import { askLine } from '../../../src/shim/commands.ts';
import { answer } from '../../fakes/samples.ts';

/** As the shim says it: what a process calls itself, with `?` for what cannot be printed. */
const name = fc.string({
  unit: fc.constantFrom(...Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at))),
});
const set = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const hex = (value: bigint) => value.toString(16).padStart(16, '0');

test('what the shim says of processes is read as it was said, whatever they call themselves', () => {
  const spoken = fc.record({
    pid: fc.nat(),
    blocked: set,
    ignored: set,
    caught: set,
    ended: fc.boolean(),
    comm: name,
  });
  fc.assert(
    fc.property(fc.array(spoken, { maxLength: 4 }), fc.integer({ min: 1, max: 31 }), (all, signal) => {
      const stdout = all
        .map(
          ({ pid, blocked, ignored, caught, ended, comm }) =>
            `${pid}\nSigBlk:\t${hex(blocked)}\nSigIgn:\t${hex(ignored)}\nSigCgt:\t${hex(caught)}\n${ended ? 'ended' : 'there'} ${comm}\n`,
        )
        .join('');
      const has = (signals: bigint) => ((signals >> BigInt(signal - 1)) & 1n) === 1n;
      expect(readProcesses(answer({ stdout }), signal)).toEqual({
        kind: 'processes',
        isWhole: true,
        processes: all.map(({ pid, blocked, ignored, caught, ended, comm }) => ({
          ...{ pid, isInit: pid === 1, comm, outcome: ended ? 'ended' : 'there' },
          disposition: has(caught) ? 'handled' : has(ignored) ? 'ignored' : has(blocked) ? 'blocked' : 'default',
        })),
      });
    }),
  );
});

test('anything else tells of nobody, and is no error', () => {
  fc.assert(
    fc.property(fc.string(), (stdout) => {
      expect(readProcesses(answer({ stdout }), 15).kind).toBe('processes');
    }),
  );
});

test.each([
  [{ exitCode: 1 }, { kind: 'processes', processes: [], isWhole: false }],
  [{ exitCode: 2, stdout: 'no-container', stderr: 'it has ended' }, { kind: 'no-container' }],
  [
    { exitCode: 2, stdout: 'cgroup', stderr: 'the target has none' },
    { kind: 'failed', why: 'the target has none' },
  ],
])('%j', (said, found) => {
  expect(readProcesses(answer(said), 15)).toEqual(found);
});

test('a pattern goes to the shim as one word, whatever is in it', () => {
  const action = { kind: 'signal', signal: 9, which: { by: 'match', pattern: 'nginx: worker* <%' } } as const;
  expect(askLine(signalQuestion('round:1', 'c0ffee', action, 500))).toBe(
    'signal round:1 c0ffee 9 500 nginx:%20worker*%20%3C%25',
  );
  expect(askLine(signalQuestion('round:1', 'c0ffee', { ...action, which: { by: 'all' } }, 500))).toMatch(/ \*$/);
});
