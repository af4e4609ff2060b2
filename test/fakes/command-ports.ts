import type { CommandPorts } from '../../src/commands/ports.ts';
import { FakeClock } from './clock.ts';
import { BufferOutput } from './output.ts';
import { FakeSignals } from './signals.ts';

interface Outputs {
  stdout: BufferOutput;
  stderr: BufferOutput;
}

/** A world of which no port that leads out of the process may be used, but for those of `change`. `why` is what is thrown otherwise. */
export function commandPorts(why: string, change: Partial<CommandPorts & Outputs> = {}): CommandPorts & Outputs {
  const forbidden = () => {
    throw new Error(why);
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
    shim: forbidden,
    toolbox: forbidden,
    readText: forbidden,
    connect: forbidden,
    examine: forbidden,
    findNames: forbidden,
    liveReporter: forbidden,
    ...change,
  };
}
