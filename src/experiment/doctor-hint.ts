import { ChaosError, ExitCode, unchanged } from '../errors.ts';
import type { RunOptions } from '../requests.ts';
import { doctorCommand } from './plan.ts';

/**
 * An error of a run, with the command that looks closer, and which of its lines tells more. What doctor has no line for, and what has left something
 * behind, stays as it is. Pure.
 */
export function withDoctor(
  error: unknown,
  { selection, connection, agentNamespace }: Pick<RunOptions, 'selection' | 'connection' | 'agentNamespace'>,
): unknown {
  const { from, namespace, container } = selection;
  // Doctor looks at one target that is named: of several the first shows what is wrong as well as another.
  const [first] = 'labels' in from ? [] : from;
  if (!first) return error;
  const target = { ...first, namespace, container };
  if (!(error instanceof ChaosError) || !error.doctorLine || error.exitCode !== ExitCode.notInjected) return error;
  if (error.state !== unchanged) return error;
  const { hint, doctorLine } = error;
  const more = `in the line "${doctorLine}" of: ${doctorCommand(connection, target, agentNamespace)}`;
  const whole =
    hint === undefined ? `More ${more}` : /[.?!]$/.test(hint) ? `${hint} More ${more}` : `${hint}; more ${more}`;
  return error.but({ hint: whole });
}
