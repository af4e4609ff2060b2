import { expect, test } from 'vitest';
import { parseCommandLine } from '../../../src/cli/program.ts';
import type { KillRequest } from '../../../src/faults/kill/types.ts';

function requestOf(line: string | string[]): { kill: KillRequest; durationMs: number } {
  const invocation = parseCommandLine(typeof line === 'string' ? line.split(' ') : line, '0.1.0');
  if (invocation.kind !== 'run') throw new Error(`not a run: ${invocation.kind}`);
  return { kill: invocation.request.fault as KillRequest, durationMs: invocation.request.run.durationMs };
}

test('the usual is TERM to the first process, once, and a minute to see what comes of it', () => {
  const action = { kind: 'signal', signal: 15, which: { by: 'first' } };
  expect(requestOf('kill web')).toEqual({ kill: { fault: 'kill', action }, durationMs: 60_000 });
  expect(requestOf('kill web --pid1').kill.action).toEqual(action);
});

test.each([
  ['TERM', 15],
  ['term', 15],
  ['SIGTERM', 15],
  ['sigterm', 15],
  ['15', 15],
  ['KILL', 9],
  ['HUP', 1],
  ['USR1', 10],
  ['USR2', 12],
  ['IOT', 6],
  ['CLD', 17],
  ['POLL', 29],
  ['SYS', 31],
])('--signal %s is %i', (text, signal) => {
  expect(requestOf(`kill web --signal ${text}`).kill.action).toMatchObject({ signal });
});

test('--match and --all-processes say which', () => {
  expect(requestOf(['kill', 'web', '--match', 'nginx: worker*']).kill.action).toMatchObject({
    which: { by: 'match', pattern: 'nginx: worker*' },
  });
  expect(requestOf('kill web --all-processes').kill.action).toMatchObject({ which: { by: 'all' } });
});

test('--every goes on for --duration, and what comes after has a time of its own', () => {
  const { kill, durationMs } = requestOf('kill web --every 10s --duration 5m --expect-ready-within 30s');
  expect(kill).toMatchObject({ action: { everyMs: 10_000 }, readyWithinMs: 30_000 });
  expect(durationMs).toBe(330_000);
  expect(requestOf('kill web --every 10s').durationMs).toBe(120_000);
});

test('--pod deletes it', () => {
  expect(requestOf('kill deploy/web --pod --grace-period 0 --allow-bare-pod --expect-ready-within 1m')).toEqual({
    kill: {
      ...{ fault: 'kill', action: { kind: 'deletion', graceSeconds: 0 } },
      ...{ readyWithinMs: 60_000, allowBarePod: true },
    },
    durationMs: 60_000,
  });
});
