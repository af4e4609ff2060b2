import type { Reporter } from '../experiment/events.ts';
import type { OutputFormat } from '../requests.ts';
import type { CommandPorts } from './ports.ts';

/** What of a request says how its events are shown. */
export interface Shown {
  output: OutputFormat;
  verbose: boolean;
}

/**
 * Gives `act` the reporter that this output and this terminal call for, and closes it whatever happens. `isStill`:
 * nothing goes on that is worth a spinner.
 */
export async function reporting(
  { output, verbose }: Shown,
  ports: CommandPorts,
  isStill: boolean,
  act: (reporter: Reporter) => Promise<number>,
): Promise<number> {
  if (output !== 'human') {
    const { DocumentReporter } = await import('../terminal/json.ts');
    return act(new DocumentReporter(ports.stdout, output));
  }
  if (ports.stdout.isTTY && ports.stderr.isTTY && !isStill && ports.env.TERM !== 'dumb') {
    // https://no-color.org: any value that is not empty.
    const reporter = await ports.liveReporter(verbose, !ports.env.NO_COLOR);
    try {
      return await act(reporter);
    } finally {
      reporter.close();
    }
  }
  const { PlainReporter } = await import('../terminal/plain.ts');
  return act(new PlainReporter(ports.stdout, ports.stderr, verbose));
}
