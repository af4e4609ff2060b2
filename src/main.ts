import { parseCommandLine } from './cli/program.ts';
import { ChaosError, ExitCode } from './errors.ts';
import type { Request } from './faults/request.ts';
import type { Architecture, Clock, Cluster, ConnectionOptions, Output, Reporter, Signals } from './ports.ts';
import { errorText } from './terminal/words.ts';

/** The world, as `bin.ts` hands it down; a test hands down another. */
export interface MainPorts {
  stdout: Output;
  stderr: Output;
  env: Readonly<Record<string, string | undefined>>;
  homeDirectory: string;
  /** The local user's name, for the annotations of the agent pod. */
  who: string;
  clock: Clock;
  signals: Signals;
  randomSuffix: () => string;
  version: string;
  /** The tools image that this build was made for. */
  defaultImage: string;
  shim: (architecture: Architecture) => Promise<Uint8Array>;
  connect: (options: ConnectionOptions) => Promise<Cluster>;
  /** Made only when a person watches: a spinner on this terminal. */
  liveReporter: (verbose: boolean, colour: boolean) => Promise<Reporter & { close(): void }>;
}

/** Runs one command line and resolves to the exit code. The only place where an error becomes text. */
export async function main(argv: readonly string[], ports: MainPorts): Promise<number> {
  let fail = (error: ChaosError) => ports.stderr.write(errorText(error));
  try {
    const invocation = parseCommandLine(argv, ports.version);
    if (invocation.kind === 'text') {
      ports.stdout.write(invocation.text);
      return ExitCode.effective;
    }
    if (invocation.kind === 'manage') {
      const { manage } = await import('./manage.ts');
      return await manage(invocation.request, ports);
    }
    const { request } = invocation;
    if (request.run.output !== 'human') {
      const { JsonReporter } = await import('./terminal/json.ts');
      const reporter = new JsonReporter(ports.stdout, request.run.output === 'ndjson');
      fail = (error) => reporter.fail(error);
      return await run(request, reporter, ports);
    }
    return await runForPeople(request, ports);
  } catch (error) {
    if (error instanceof ChaosError) {
      fail(error);
      return error.exitCode;
    }
    ports.stderr.write(
      `This is a defect of kubectl chaos ${ports.version}:\n${error instanceof Error ? error.stack : String(error)}\n`,
    );
    return ExitCode.notInjected;
  }
}

async function runForPeople(request: Request, ports: MainPorts): Promise<number> {
  const { verbose, dryRun } = request.run;
  if (ports.stdout.isTTY && ports.stderr.isTTY && !dryRun && ports.env.TERM !== 'dumb') {
    // https://no-color.org: any value that is not empty.
    const reporter = await ports.liveReporter(verbose, !ports.env.NO_COLOR);
    try {
      return await run(request, reporter, ports);
    } finally {
      reporter.close();
    }
  }
  const { PlainReporter } = await import('./terminal/plain.ts');
  return run(request, new PlainReporter(ports.stdout, ports.stderr, verbose), ports);
}

async function run(request: Request, reporter: Reporter, ports: MainPorts): Promise<number> {
  const startedAt = ports.clock.now();
  const cluster = await ports.connect(request.run.connection);
  try {
    const session = { ...ports, cluster, reporter, startedAt };
    if (request.run.dryRun) {
      const [{ prepare }, { renderPlan }] = await Promise.all([
        import('./session/run.ts'),
        import('./terminal/dry-run.ts'),
      ]);
      const plan = await prepare(request, session);
      ports.stdout.write(renderPlan(plan, cluster.render(plan.agent), request.run.output));
      return ExitCode.effective;
    }
    const { runExperiment } = await import('./session/run.ts');
    return (await runExperiment(request, session)).exitCode;
  } finally {
    cluster.close();
  }
}
