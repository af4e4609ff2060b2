import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Progress, rowOf, stepOf, timeOf } from './progress.ts';

describe('what a row of progress says', () => {
  it.each([
    ['cluster: making images, kept in /x', 'making images, kept in /x'],
    ['cluster:   … making images: 10 s so far', undefined],
    ['', undefined],
    ['building the shim', 'building the shim'],
  ])('%j', (line, step) => {
    expect(stepOf(line)).toBe(step);
  });

  it('fits into the terminal', () => {
    expect(rowOf('short', 5_000, 80)).toBe('short (5 s)');
    expect(rowOf('x'.repeat(100), 65_000, 40)).toHaveLength(36);
    expect(rowOf('x'.repeat(100), 65_000, 40)).toMatch(/x… \(1 min 05 s\)$/);
    expect(rowOf('anything', 0, 5)).toBe('… (0 s)');
  });

  it.each([
    [999, '0 s'],
    [59_999, '59 s'],
    [60_000, '1 min 00 s'],
    [3_725_000, '62 min 05 s'],
  ])('%i ms are %s', (ms, text) => {
    expect(timeOf(ms)).toBe(text);
  });
});

describe('where the line cannot move', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('there is a line a step, and one a minute while it lasts', () => {
    let text = '';
    const progress = new Progress('bringing the cluster up', { write: (more: string) => (text += more) });
    progress.line('cluster: installing packages');
    for (let second = 0; second < 130; second += 10) {
      progress.line(`cluster:   … installing packages: ${second} s so far`);
      vi.advanceTimersByTime(10_000);
    }
    progress.line('cluster: installing packages');
    progress.line('cluster: starting');
    progress.end('bringing the cluster up', true);
    expect(text).toBe(
      [
        '  bringing the cluster up',
        '  installing packages',
        '  … 1 min 00 s',
        '  … 2 min 00 s',
        '  starting',
        '  bringing the cluster up took 2 min 10 s',
        '',
      ].join('\n'),
    );
    vi.advanceTimersByTime(600_000);
    expect(text).toMatch(/2 min 10 s\n$/);
  });
});
