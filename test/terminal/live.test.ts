import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunEvent } from '../../src/experiment/events.ts';
import { asOnTerminal, LiveReporter } from '../fakes/live-reporter.ts';
import { target } from '../fakes/samples.ts';
import { FakeTerminal } from '../fakes/terminal.ts';
import { badRun, detachedRun, effectiveRun, sentRun, watchedRun } from './events.ts';

let restore: () => void;
let rawModes: boolean[];

beforeEach(() => {
  rawModes = [];
  restore = asOnTerminal((mode) => rawModes.push(mode));
});
afterEach(() => restore());

/** Reports the facts up to `last`, on one terminal for both streams. */
function show(
  facts: readonly RunEvent[],
  options: { colour?: boolean; verbose?: boolean; last?: RunEvent['kind'] } = {},
) {
  const terminal = new FakeTerminal();
  const reporter = new LiveReporter(terminal, terminal.stream, {
    verbose: options.verbose ?? false,
    colour: options.colour ?? false,
  });
  const end = facts.findLastIndex(({ kind }) => kind === options.last);
  for (const fact of options.last ? facts.slice(0, end + 1) : facts) reporter.report(fact);
  return { terminal, reporter };
}

describe('on a terminal', () => {
  test('only what stays is on the screen at the end', async () => {
    const { terminal, reporter } = show(await effectiveRun());
    reporter.close();
    expect(terminal.screen.join('\n')).toMatchSnapshot();
    expect(terminal.cursorIsHidden).toBe(false);
  });

  test('while the fault is active the table stands below what stays', async () => {
    const { terminal, reporter } = show(await effectiveRun(), { last: 'sample' });
    // The spinner draws the table with its next frame.
    await expect.poll(() => terminal.screen.join('\n')).toContain('CPU before → now');
    expect(terminal.screen.join('\n')).toMatch(/fault active[\s\S]*TARGET[\s\S]*web-7d4b9 \(app\)/);
    expect(terminal.cursorIsHidden).toBe(true);
    reporter.close();
    expect(terminal.screen.join('\n')).not.toContain('TARGET');
    expect(terminal.cursorIsHidden).toBe(false);
  });

  test('the table fits on a screen that becomes smaller, at once', async () => {
    const { terminal, reporter } = show(await effectiveRun(), { last: 'sample' });
    await expect.poll(() => terminal.screen.join('\n')).toContain('CPU before → now');
    const before = terminal.text.length;
    terminal.resize(30, 10);
    const drawn = stripVTControlCharacters(terminal.text.slice(before)).split('\n');
    expect(drawn.slice(-2)).toEqual(['  TARGET                left', '  pod/web-7d4b9 (app)   0ms']);
    reporter.close();
    expect(terminal.listenerCount('resize')).toBe(0);
  });

  test('where a question is asked nothing moves', async () => {
    const facts = await effectiveRun();
    const planned = facts.findIndex(({ kind }) => kind === 'planned');
    const reasons = ['context prod is listed in KUBECTL_CHAOS_PROTECTED'];
    const asked = { kind: 'protected', reasons, target: target() } as const;
    const { terminal, reporter } = show([...facts.slice(0, planned + 1), asked]);
    expect(terminal.screen.join('\n')).toContain('! the target is protected: context prod is listed');
    expect(terminal.cursorIsHidden).toBe(false);
    reporter.close();
  });

  test('each phase has its spinner', async () => {
    const facts = await effectiveRun();
    for (const [last, phase] of [
      ['selecting', 'looking up pod/web-7d4b9'],
      ['launching', 'starting the agent pod on node-3'],
      ['resolved', 'measuring the target before the fault'],
      ['ended', 'reverting'],
      ['removing', 'removing the agent pod'],
    ] as const) {
      const { terminal, reporter } = show(facts, { last });
      // A phase that follows another is drawn with the spinner's next frame.
      await expect.poll(() => terminal.screen.findLast((text) => text !== '')?.slice(2)).toBe(phase);
      reporter.close();
    }
  });

  test('what is sent is told as it arrives', async () => {
    const facts = await sentRun();
    const sent = facts.filter(({ kind }) => kind === 'tools');
    for (const [last, phase] of [
      [0, 'sending stress-ng to node-3: 0.4 of 4 MB'],
      [6, 'sending stress-ng to node-3: 2.8 of 4 MB'],
      [9, 'unpacking stress-ng on node-3'],
      [10, 'measuring the target before the fault'],
    ] as const) {
      const { terminal, reporter } = show(facts.slice(0, facts.indexOf(sent[last] as RunEvent) + 1));
      await expect
        .poll(() => terminal.screen.findLast((text) => text !== '')?.slice(2), { timeout: 30_000 })
        .toBe(phase);
      reporter.close();
    }
  });

  test('Ctrl-C stays a signal: the terminal is never put in raw mode', async () => {
    show(await effectiveRun(), { last: 'sample' }).reporter.close();
    expect(rawModes).toEqual([]);
  });

  test('colours only where they are wanted', async () => {
    const facts = await badRun();
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the sequences that set colours
    const colours = /\u001b\[[\d;]*m/;
    const plain = show(facts);
    const coloured = show(facts, { colour: true });
    plain.reporter.close();
    coloured.reporter.close();
    expect(plain.terminal.text).not.toMatch(colours);
    expect(coloured.terminal.text).toMatch(colours);
  });

  test('what the target wrote moves nothing', async () => {
    const { terminal, reporter } = show(await badRun(), { verbose: true });
    reporter.close();
    expect(terminal.screen).toContain('you are owned');
    expect(terminal.text).not.toContain('\u001b]');
    expect(terminal.text).not.toContain('\u001b[H');
    expect(terminal.text).not.toContain('\u001b[?1049h');
    expect(terminal.text).not.toContain('\u009b');
  });

  test('of a detached run, and of one that is left, nothing stays that moves', async () => {
    for (const facts of [await detachedRun(), await watchedRun(true)]) {
      const { terminal } = show(facts);
      expect(terminal.cursorIsHidden).toBe(false);
      expect(terminal.screen.join('\n')).toMatch(/✔ the fault continues[\s\S]*stop {5}kubectl chaos stop chaos-7f3k2/);
      expect(terminal.screen.join('\n')).not.toContain('TARGET');
    }
  });

  test('of one that is watched the table is shown', async () => {
    const { terminal, reporter } = show(await watchedRun(true), { last: 'sample' });
    await expect.poll(() => terminal.screen.join('\n')).toMatch(/fault active[\s\S]*TARGET/);
    reporter.close();
  });

  test('nothing is drawn after the end', async () => {
    const facts = await effectiveRun();
    const { terminal, reporter } = show(facts, { last: 'active' });
    reporter.close();
    const drawn = terminal.text;
    for (const fact of facts.filter(({ kind }) => kind === 'removing' || kind === 'warning')) reporter.report(fact);
    expect(terminal.text).toBe(drawn);
  });
});
