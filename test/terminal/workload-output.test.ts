import { expect, test } from 'vitest';
import type { RunEvent } from '../../src/experiment/events.ts';
import type { Ended } from '../../src/shim/protocol.ts';
import { PlainReporter } from '../../src/terminal/plain.ts';
import { BufferOutput } from '../fakes/output.ts';
import { ended, target } from '../fakes/samples.ts';

const chatter = 'stress-ng: info:  [1] setting to a 17 second run per stressor\n';

/** What is on stderr after each event. */
function shown(events: readonly RunEvent[], verbose = false): string[] {
  const stderr = new BufferOutput();
  const reporter = new PlainReporter(new BufferOutput(), stderr, verbose);
  return events.map((event) => {
    reporter.report(event);
    return stderr.text;
  });
}

const said = (text: string): RunEvent => ({ kind: 'output', text, target: target() });
const end = (how: Partial<Ended>): RunEvent => ({ kind: 'ended', ended: ended(how), target: target() });
const removing: RunEvent = { kind: 'removing' };

test.each<[string, Partial<Ended>]>([
  ['its time is over', { reason: 'deadline' }],
  ['it was stopped', { reason: 'stopped', signal: 15, exitCode: 143 }],
  ['it ended by itself', { reason: 'exited', exitCode: 0 }],
])('what a workload says is not shown when %s', (_how, how) => {
  expect(shown([said(chatter), end(how), said('bye\n'), removing]).at(-1)).toBe('');
});

test.each<[string, Partial<Ended>]>([
  ['exited with an error', { reason: 'exited', exitCode: 2 }],
  ['was killed', { reason: 'killed', signal: 9, exitCode: 137 }],
])('a workload that %s: all that it said at once, and the rest as it comes', (_how, how) => {
  const [first, second, third] = shown([said(chatter), end(how), said('stress-ng: error: no such thing\n')]);
  expect(first).toBe('');
  expect(second).toBe(chatter);
  expect(third).toBe(`${chatter}stress-ng: error: no such thing\n`);
});

test('a run whose end nobody has told: what was said before', () => {
  expect(shown([said(chatter), removing])).toEqual(['', chatter]);
});

test('-v: all of it as it comes', () => {
  expect(shown([said(chatter), end({ reason: 'deadline' })], true)[0]).toBe(chatter);
});

test('of one that says much, the last is shown', () => {
  const much = `${'x'.repeat(1_000_000)}\nthe reason\n`;
  const text = shown([said(much), removing]).at(-1) ?? '';
  expect(text.endsWith('x\nthe reason\n')).toBe(true);
  expect(text.length).toBeLessThan(20_000);
});
