import { type Invocation, parseCommandLine } from './cli/program.ts';
import type { CommandPorts } from './commands/ports.ts';
import { ChaosError, ExitCode, unchanged, untouched } from './errors.ts';
import type { OutputFormat } from './requests.ts';
import { errorText } from './terminal/words.ts';

/** What takes more than to print something. */
type Carried = Exclude<Invocation, { kind: 'text' | 'complete' | 'file' | 'experiment' }>;

/** Runs one command line and resolves to the exit code. The only place where an error becomes text. */
export async function main(argv: readonly string[], ports: CommandPorts): Promise<number> {
  let fail = (error: ChaosError) => ports.stderr.write(errorText(error));
  try {
    const invocation = await fromFile(parseCommandLine(argv, ports.version, ports.env, ports.stdout.columns), ports);
    if (invocation.kind === 'text') {
      ports.stdout.write(invocation.text);
      return ExitCode.effective;
    }
    if (invocation.kind === 'complete') {
      return await (await import('./commands/completion.ts')).complete(invocation.request, ports);
    }
    if ('notes' in invocation) for (const note of invocation.notes) ports.stderr.write(`note: ${note}\n`);
    if (invocation.kind === 'experiment') {
      ports.stdout.write((await import('./terminal/experiment-file.ts')).experimentText(invocation.file));
      return ExitCode.effective;
    }
    const output = outputOf(invocation);
    if (output !== 'human') {
      const { errorDocument } = await import('./terminal/json.ts');
      fail = (error) => ports.stdout.write(errorDocument(error, output));
    }
    return await carryOut(invocation, ports).catch((error: unknown) => Promise.reject(asOf(invocation, error)));
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

/** What a file asks for, in place of the file. */
async function fromFile(
  invocation: Invocation,
  { env, readText }: CommandPorts,
): Promise<Exclude<Invocation, { kind: 'file' }>> {
  if (invocation.kind !== 'file') return invocation;
  const { path, flags } = invocation;
  const text = await readText('--filename', path);
  const { fileInvocation } = await import('./cli/file/invocation.ts');
  return fileInvocation(text, { name: path === '-' ? 'standard input' : path, flags }, env);
}

/** How an error is printed: as a document where everything else is, and as text beside tables and names. */
function outputOf(invocation: Carried): OutputFormat {
  const { output } = invocation.kind === 'run' ? invocation.request.run : invocation.request;
  return output === 'wide' || output === 'name' ? 'human' : output;
}

/** An error of a command that looks at what others have begun, or ends it, is not one of a target that nothing was done to. */
function asOf({ kind }: Carried, error: unknown): unknown {
  const isOfOthers = kind === 'list' || kind === 'stop' || kind === 'attach' || kind === 'sweep';
  return isOfOthers && error instanceof ChaosError && error.state === unchanged
    ? error.but({ state: untouched })
    : error;
}

/** Each command is loaded when it is asked for: help needs none of them. */
async function carryOut(invocation: Carried, ports: CommandPorts): Promise<number> {
  switch (invocation.kind) {
    case 'run':
      return (await import('./commands/run.ts')).run(invocation.request, ports);
    case 'attach':
      return (await import('./commands/attach.ts')).attach(invocation.request, ports);
    case 'list':
      if (invocation.request.watch) return (await import('./commands/watch.ts')).watch(invocation.request, ports);
      return (await import('./commands/list.ts')).list(invocation.request, ports);
    case 'stop':
      return (await import('./commands/stop.ts')).stop(invocation.request, ports);
    case 'version':
      return (await import('./commands/version.ts')).version(invocation.request, ports);
    case 'doctor':
      return (await import('./commands/doctor.ts')).doctor(invocation.request, ports);
    case 'rbac':
      return (await import('./commands/rbac.ts')).rbac(invocation.request, ports);
    case 'sweep':
      return (await import('./commands/sweep.ts')).sweep(invocation.request, ports);
  }
}
