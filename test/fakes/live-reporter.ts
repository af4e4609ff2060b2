const { env, stdin } = process;

// Without this the library that colours the spinner would find that colours are of no use, once, when it is loaded: then no test could tell whether they were asked for.
env.FORCE_COLOR = '3';
export const { LiveReporter } = await import('../../src/terminal/live.ts');
delete env.FORCE_COLOR;

/** Has ora draw, as it does on a terminal: it sees none in CI, nor in a dumb one. Returns what undoes that; `onRawMode` is told of each time that stdin is put into raw mode, or out of it. */
export function asOnTerminal(onRawMode: (mode: boolean) => void = () => undefined): () => void {
  const before = { CI: env.CI, TERM: env.TERM };
  const { isTTY, setRawMode } = stdin;
  delete env.CI;
  env.TERM = 'xterm-256color';
  stdin.isTTY = true;
  stdin.setRawMode = (mode) => {
    onRawMode(mode);
    return stdin;
  };
  return () => {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete env[name];
      else env[name] = value;
    }
    stdin.isTTY = isTTY;
    stdin.setRawMode = setRawMode;
  };
}
