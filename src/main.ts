import { type Invocation, parseCommandLine } from './cli/program.ts';
import { ChaosError, ExitCode } from './errors.ts';
import type { SessionPorts } from './experiment/run.ts';
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
  /** Asks on the terminal, and resolves to the line that is typed; absent: nobody is there to answer. */
  ask?: (question: string) => Promise<string>;
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
      const { manage } = await import('./commands/list.ts');
      return await manage(invocation.request, ports);
    }
    if (invocation.kind === 'sweep') {
      const { sweepNodes } = await import('./commands/sweep.ts');
      return await sweepNodes(invocation.request, ports);
    }
    const told = optionsOf(invocation);
    if (told.output !== 'human') {
      const { JsonReporter } = await import('./terminal/json.ts');
      const reporter = new JsonReporter(ports.stdout, told.output === 'ndjson');
      fail = (error) => reporter.fail(error);
      return await follow(invocation, reporter, ports);
    }
    return await followForPeople(invocation, ports);
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

/** A command that tells what goes on until it ends. */
type Following = Extract<Invocation, { kind: 'run' | 'attach' }>;

function optionsOf(invocation: Following) {
  return invocation.kind === 'attach' ? invocation.request : invocation.request.run;
}

async function followForPeople(invocation: Following, ports: MainPorts): Promise<number> {
  const { verbose } = optionsOf(invocation);
  const dryRun = invocation.kind === 'run' && invocation.request.run.dryRun;
  if (ports.stdout.isTTY && ports.stderr.isTTY && !dryRun && ports.env.TERM !== 'dumb') {
    // https://no-color.org: any value that is not empty.
    const reporter = await ports.liveReporter(verbose, !ports.env.NO_COLOR);
    try {
      return await follow(invocation, reporter, ports);
    } finally {
      reporter.close();
    }
  }
  const { PlainReporter } = await import('./terminal/plain.ts');
  return follow(invocation, new PlainReporter(ports.stdout, ports.stderr, verbose), ports);
}

async function follow(invocation: Following, reporter: Reporter, ports: MainPorts): Promise<number> {
  const startedAt = ports.clock.now();
  const cluster = await ports.connect(optionsOf(invocation).connection);
  try {
    const session = { ...ports, cluster, reporter, startedAt };
    if (invocation.kind === 'run') return await run(invocation.request, session);
    const { attachExperiment } = await import('./experiment/attach.ts');
    return (await attachExperiment(invocation.request, session)).exitCode;
  } finally {
    cluster.close();
  }
}

async function run(request: Request, session: SessionPorts & Pick<MainPorts, 'stdout'>): Promise<number> {
  if (request.run.dryRun) {
    const [{ prepare }, { renderPlan }] = await Promise.all([
      import('./experiment/run.ts'),
      import('./terminal/dry-run.ts'),
    ]);
    const plan = await prepare(request, session);
    session.stdout.write(renderPlan(plan, session.cluster.render(plan.agent), request.run.output));
    return ExitCode.effective;
  }
  const { runExperiment } = await import('./experiment/run.ts');
  return (await runExperiment(request, session)).exitCode;
}
