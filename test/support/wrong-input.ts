import { expect } from 'vitest';
import { main } from '../../src/main.ts';
import { commandPorts } from '../fakes/command-ports.ts';

/** Words of a command line, and the line that the user reads. */
export type Wrong = [line: string | string[], message: string];

export async function expectWrong(line: string | string[], message: string): Promise<void> {
  const at = commandPorts('a wrong command line must not get as far as this');
  const code = await main(typeof line === 'string' ? line.split(' ') : line, at);
  expect(at.stderr.text.split('\n')[0]).toBe(`error: ${message}`);
  // Besides the line itself at most a hint.
  expect(at.stderr.text.trimEnd().split('\n').length).toBeLessThanOrEqual(2);
  expect(at.stderr.text).not.toContain('State of the target');
  expect(at.stdout.text).toBe('');
  expect(code).toBe(2);
}
