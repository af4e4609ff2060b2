import { homedir, userInfo } from 'node:os';
import { isatty } from 'node:tty';
import { pathToFileURL } from 'node:url';
import { systemClock } from './clock.ts';
import { main } from './main.ts';
import type { Architecture, InterruptSignal, Output } from './ports.ts';

declare const CHAOS_VERSION: string;
declare const CHAOS_COMMIT: string;

function output(stream: NodeJS.WriteStream): Output {
  // A reader that has gone away (`| head`) must not end us before the revert.
  stream.on('error', () => undefined);
  return {
    write: (text) => void stream.write(text),
    isTTY: stream.isTTY === true,
    get isGone() {
      return stream.destroyed;
    },
    get columns() {
      return stream.isTTY ? stream.columns : undefined;
    },
  };
}

const interruptSignals: readonly InterruptSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';
const files = pathToFileURL(`${import.meta.dirname}/`);
const env = { ...process.env };

async function ask(question: string): Promise<string> {
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // A terminal that is closed answers nothing; Ctrl-C is the same no, and then the signal that it is elsewhere.
  const closed = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
  try {
    return await Promise.race([terminal.question(question).catch(() => ''), closed]);
  } finally {
    terminal.close();
  }
}

/** A user id without an entry in passwd, as containers have it, has no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

const build = { version: CHAOS_VERSION, commit: CHAOS_COMMIT };
const connectPorts = {
  ...{ env, build, homeDirectory: homedir() },
  shim: async (architecture: Architecture) => (await import('./shim/binary.ts')).readShim(files, architecture),
};
/** Of the names that the shell asked for; absent: it asked for none. */
let lookUp: AbortSignal | undefined;

void main(process.argv.slice(2), {
  stdout: output(process.stdout),
  stderr: output(process.stderr),
  env,
  homeDirectory: homedir(),
  who: env.USER || env.LOGNAME || userName(),
  clock: systemClock,
  signals: {
    listen: (callback) => {
      for (const signal of interruptSignals) process.on(signal, callback);
      return () => {
        for (const signal of interruptSignals) process.off(signal, callback);
      };
    },
  },
  // By the global, since to load node:crypto takes 3 ms of every start.
  randomSuffix: () =>
    Array.from(crypto.getRandomValues(new Uint32Array(5)), (n) => letters[n % letters.length]).join(''),
  ...build,
  nodeVersion: process.version,
  shim: connectPorts.shim,
  toolbox: async (name, architecture) => {
    const { readToolbox } = await import('./shim/toolbox.ts');
    return readToolbox(files, name, architecture);
  },
  readText: async (flag, path) => (await import('./experiment-text.ts')).readText(flag, path, process.stdin),
  connect: async (options) => {
    const { connect } = await import('./kubernetes/cluster.ts');
    return connect(options, connectPorts);
  },
  examine: async (options) => {
    const { connectExaminer } = await import('./kubernetes/doctor/examiner.ts');
    return connectExaminer(options, connectPorts);
  },
  findNames: async (query, options, signal) => {
    lookUp = signal;
    const { findNames } = await import('./kubernetes/names.ts');
    return findNames(query, options, { env, homeDirectory: homedir(), build }, signal);
  },
  ...(isatty(0) && isatty(2) ? { ask } : {}),
  liveReporter: async (verbose, colour) => {
    const { LiveReporter } = await import('./terminal/live.ts');
    return new LiveReporter(output(process.stdout), process.stderr, { verbose, colour });
  },
}).then(exit);

function exit(code: number): void {
  // Sockets of a cluster that does not answer must not hold the process once all has been said.
  process.stdout.write('', () => {
    // A look-up in DNS cannot be called off, and process.exit waits for it, many seconds when no server answers: another program has nothing to wait for.
    if (lookUp?.aborted && process.platform !== 'win32') process.execve?.('/bin/sh', ['sh', '-c', `exit ${code}`]);
    process.exit(code);
  });
}
