import { expect } from 'vitest';
import type { CommandPorts } from '../../src/commands/ports.ts';
import { main } from '../../src/main.ts';
import { FakeClock } from '../fakes/clock.ts';
import { BufferOutput } from '../fakes/output.ts';
import { FakeSignals } from '../fakes/signals.ts';

/** Ports of which none that leads out of the process may be used. */
function ports(): CommandPorts & { stdout: BufferOutput; stderr: BufferOutput } {
  const forbidden = () => {
    throw new Error('a wrong command line must not get as far as this');
  };
  return {
    stdout: new BufferOutput(),
    stderr: new BufferOutput(),
    env: {},
    homeDirectory: '/home/ada',
    who: 'ada',
    clock: new FakeClock(),
    signals: new FakeSignals(),
    randomSuffix: forbidden,
    version: '1.2.3',
    commit: 'c0ffee',
    nodeVersion: 'v22.19.0',
    defaultImage: 'tools:1',
    shim: forbidden,
    connect: forbidden,
    liveReporter: forbidden,
  };
}

/** Words of a command line, and the line that the user reads. */
export type Wrong = [line: string | string[], message: string];

export async function expectWrong(line: string | string[], message: string): Promise<void> {
  const at = ports();
  const code = await main(typeof line === 'string' ? line.split(' ') : line, at);
  expect(at.stderr.text.split('\n')[0]).toBe(`error: ${message}`);
  // Besides the line itself at most a hint.
  expect(at.stderr.text.trimEnd().split('\n').length).toBeLessThanOrEqual(2);
  expect(at.stderr.text).not.toContain('State of the target');
  expect(at.stdout.text).toBe('');
  expect(code).toBe(2);
}
