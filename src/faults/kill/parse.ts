import { usageError } from '../../errors.ts';
import { type Flag, type FlagValues, isGiven } from '../../flags/flag.ts';
import type { RunOptions } from '../../requests.ts';
import { formatDuration } from '../../units.ts';
import { flags } from './flags.ts';
import type { DeletionAction, KillRequest, SignalAction, Which } from './types.ts';

/** How long what comes after is told of where nobody says how long it may take, milliseconds. */
const usualAfterMs = 60_000;

/** How long what comes after is waited for. */
export function afterMs({ readyWithinMs }: Pick<KillRequest, 'readyWithinMs'>): number {
  return readyWithinMs ?? usualAfterMs;
}

/** Flags of `kill` as a request. Throws usage errors only. */
export function toKillRequest(values: FlagValues, passedOn: readonly string[] | undefined): KillRequest {
  if (passedOn !== undefined) throw usageError('kill takes no arguments after "--"');
  const readyWithinMs = flags.expectReady.read(values);
  return {
    fault: 'kill',
    action: flags.pod.read(values) ? toDeletion(values) : toSignal(values),
    ...(readyWithinMs === undefined ? {} : { readyWithinMs }),
    ...(flags.allowBarePod.read(values) ? { allowBarePod: true } : {}),
  };
}

function toDeletion(values: FlagValues): DeletionAction {
  const { signal, first, match, all, every } = flags;
  refuseBesidePod([signal, first, match, all, every], values);
  const graceSeconds = flags.gracePeriod.read(values);
  return { kind: 'deletion', ...(graceSeconds === undefined ? {} : { graceSeconds }) };
}

function toSignal(values: FlagValues): SignalAction {
  if (isGiven(flags.gracePeriod, values)) throw usageError('--grace-period requires --pod');
  const everyMs = flags.every.read(values);
  return {
    kind: 'signal',
    signal: flags.signal.read(values),
    which: toWhich(values),
    ...(everyMs === undefined ? {} : { everyMs }),
  };
}

function toWhich(values: FlagValues): Which {
  const given = [flags.first, flags.match, flags.all].filter((flag) => isGiven(flag, values));
  const [one, other] = given;
  if (one && other) throw usageError(`${one.name} and ${other.name} are mutually exclusive`);
  const pattern = flags.match.read(values);
  if (pattern === undefined) return { by: flags.all.read(values) ? 'all' : 'first' };
  return { by: 'match', pattern };
}

function refuseBesidePod(others: readonly Pick<Flag, 'name'>[], values: FlagValues): void {
  const other = others.find((flag) => isGiven(flag, values));
  if (other) throw usageError(`--pod and ${other.name} are mutually exclusive: a pod is deleted as a whole, and once`);
}

const duration = { name: '--duration' };
const detach = { name: '--detach' };
const lease = { name: '--lease' };

/** How long it goes on, and what of a run it has not. Throws usage errors only. */
export function settle(request: KillRequest, run: RunOptions, values: FlagValues): RunOptions {
  const { action } = request;
  if (action.kind === 'deletion') {
    if (isGiven({ name: '--container' }, values) || isGiven({ name: '--all-containers' }, values)) {
      throw usageError('--pod deletes all containers of a pod: leave --container and --all-containers out');
    }
    refuseBesidePod([detach, lease, { name: '--no-attach' }], values);
  }
  if (isGiven(detach, values)) {
    throw usageError(
      '--detach: not possible for kill: with each signal this command names the container that runs by then',
      'To go on without a terminal, run this command in the background.',
    );
  }
  const everyMs = action.kind === 'signal' ? action.everyMs : undefined;
  if (everyMs === undefined) {
    if (isGiven(duration, values)) {
      throw usageError(
        '--duration requires --every: what is killed once takes no time',
        'How long it may take to be ready again: --expect-ready-within.',
      );
    }
    return { ...run, durationMs: afterMs(request) };
  }
  if (everyMs >= run.durationMs) {
    const [every, all] = [everyMs, run.durationMs].map(formatDuration);
    throw usageError(`--every ${every}: must be less than --duration (${all})`);
  }
  return { ...run, durationMs: run.durationMs + afterMs(request) };
}
