import { usageError } from '../errors.ts';
import type { StressRequest } from '../faults/stress/types.ts';
import { type FlagValues, text } from './run-options.ts';
import { choice, integer, loadPercent, memory } from './values.ts';

/** Options of stress-ng that would break what this plugin promises, with the flag that serves instead. */
const ownedOptions: Readonly<Record<string, string>> = {
  '--timeout': '--duration',
  '-t': '--duration',
  '--oom-avoid': '--oom-victim',
  '--no-oom-adjust': '--oom-victim',
  '--dry-run': '--dry-run=client',
  '-n': '--dry-run=client',
};

/** Flags of `stress` as a request. `passedOn` is what stood behind `--`. Throws usage errors only. */
export function toStressRequest(flags: FlagValues, passedOn: readonly string[] | undefined): StressRequest {
  const cpu = text(flags, 'cpu');
  const load = text(flags, 'cpuLoad');
  const memoryText = text(flags, 'memory');
  const processes = text(flags, 'processes');
  const oomVictim = text(flags, 'oomVictim');

  if (load !== undefined && cpu === undefined) throw usageError('--cpu-load needs --cpu');
  if (oomVictim !== undefined && memoryText === undefined && !passedOn?.length) {
    throw usageError('--oom-victim needs --memory');
  }
  if (passedOn !== undefined) checkPassedOn(passedOn);
  if (cpu === undefined && memoryText === undefined && processes === undefined && passedOn === undefined) {
    throw usageError('nothing to do: give --cpu, --memory, --processes, or arguments for stress-ng after --');
  }
  return {
    fault: 'stress',
    ...(cpu === undefined
      ? {}
      : {
          cpu: {
            workers: integer('--cpu', cpu, 1, 4_096),
            loadPercent: load === undefined ? 100 : loadPercent('--cpu-load', load),
          },
        }),
    ...(memoryText === undefined ? {} : { memory: memory('--memory', memoryText) }),
    ...(processes === undefined ? {} : { processes: integer('--processes', processes, 1, 10_000) }),
    stressNgArgs: passedOn ?? [],
    oomVictim: oomVictim === undefined ? 'stressor' : choice('--oom-victim', oomVictim, ['stressor', 'app']),
  };
}

function checkPassedOn(args: readonly string[]): void {
  if (args.length === 0) throw usageError('-- : arguments for stress-ng are missing behind it');
  for (const arg of args) {
    // getopt takes the value of a short option in the same word: `-t60`.
    const name = /^-[^-]/.test(arg) ? arg.slice(0, 2) : (arg.split('=')[0] ?? '');
    const ours = Object.hasOwn(ownedOptions, name) ? ownedOptions[name] : undefined;
    if (ours) throw usageError(`-- ${name}: use ${ours} instead, which is kept to whatever happens`);
    if (arg.includes('\0')) throw usageError('-- : an argument holds a NUL character');
  }
}
