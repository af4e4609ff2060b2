import { isInterrupted, run } from './programs.ts';

/** A demo's connection to its cluster: flags of kubectl's, which are not shown with the commands. */
export interface Connection {
  flags: readonly string[];
  env: NodeJS.ProcessEnv;
}

/** Shows a command as a user would type it, and runs it there; its exit code. */
export function show({ flags, env }: Connection, ...command: readonly [string, ...string[]]): Promise<number> {
  if (!isInterrupted()) process.stdout.write(`\n$ ${command.join(' ')}\n`);
  const [program, ...args] = command;
  // `kubectl chaos stress`: a plugin is found only when no flag stands before its name.
  const [verb = '', ...rest] = args;
  return run(verb === 'chaos' ? [program, verb, ...rest, ...flags] : [program, ...args, ...flags], env);
}

/** Two busy workers and three quarters of the memory, on a pod that is there; the worst exit code. */
export async function showStress(connection: Connection, pod: string, say: (text: string) => void): Promise<number> {
  say('the question: what if it had to share its CPU with two busy workers?');
  const cpu = await show(connection, 'kubectl', 'chaos', 'stress', pod, '--cpu', '2', '--duration', '15s');
  say('and: what if three quarters of its memory were taken?');
  const memory = await show(connection, 'kubectl', 'chaos', 'stress', pod, '--memory', '75%', '--duration', '10s');
  return cpu || memory;
}

/** Nothing, when all went well. */
export function showWhatIsLeft(connection: Connection): Promise<number> {
  return show(connection, 'kubectl', 'get', 'pods,configmaps', '-l', 'app.kubernetes.io/managed-by=kubectl-chaos');
}
