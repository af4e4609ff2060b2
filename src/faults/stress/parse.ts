import { usageError } from '../../errors.ts';
import { type Flag, type FlagValues, isGiven } from '../../flags/flag.ts';
import { quote } from '../../flags/values.ts';
import { flags } from './flags.ts';
import type { StressRequest } from './types.ts';

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
export function toStressRequest(values: FlagValues, passedOn: readonly string[] | undefined): StressRequest {
  const given = (flag: Flag) => isGiven(flag, values);
  if (given(flags.cpuLoad) && !given(flags.cpu)) throw usageError('--cpu-load requires --cpu');
  if (given(flags.allowNodeMemory) && !given(flags.memory)) throw usageError('--allow-node-memory requires --memory');
  if (passedOn !== undefined) checkPassedOn(passedOn);
  if (![flags.cpu, flags.memory, flags.processes].some(given) && passedOn === undefined) {
    throw usageError('no fault specified: use --cpu, --memory, --processes, or arguments for stress-ng after "--"');
  }
  const asked = flags.cpu.read(values);
  if (asked?.loadPercent !== undefined && given(flags.cpuLoad)) {
    throw usageError(
      `--cpu ${quote(String(values.cpu))} and --cpu-load are mutually exclusive: both say how busy a CPU is`,
    );
  }
  const cpu = asked && { loadPercent: flags.cpuLoad.read(values), ...asked };
  const memory = flags.memory.read(values);
  const processes = flags.processes.read(values);
  return {
    fault: 'stress',
    ...(cpu === undefined ? {} : { cpu }),
    ...(memory === undefined ? {} : { memory }),
    ...(processes === undefined ? {} : { processes }),
    stressNgArgs: passedOn ?? [],
    oomVictim: flags.oomVictim.read(values),
    ...(flags.allowNodeMemory.read(values) ? { allowNodeMemory: true } : {}),
  };
}

function checkPassedOn(args: readonly string[]): void {
  if (args.length === 0) throw usageError('stress-ng arguments are required after "--"');
  for (const arg of args) {
    // getopt takes the value of a short option in the same word: `-t60`.
    const name = /^-[^-]/.test(arg) ? arg.slice(0, 2) : (arg.split('=')[0] ?? '');
    const ours = Object.hasOwn(ownedOptions, name) ? ownedOptions[name] : undefined;
    if (ours) throw usageError(`"${name}" is not allowed after "--": use ${ours}`);
    if (arg.includes('\0')) throw usageError('arguments after "--" must not contain NUL characters');
  }
}
