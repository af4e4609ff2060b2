import { type ChaosError, usageError } from '../errors.ts';
import { type FlagValues, isGiven } from '../flags/flag.ts';
import { quote } from '../flags/values.ts';
import type { ConnectionOptions } from '../ports.ts';
import type { RunOptions } from '../requests.ts';
import { separateWords } from '../text.ts';
import { toAgentOptions } from './agent-flags.ts';
import { noCleanup, requestTimeoutFlag, run } from './flags.ts';
import { toPolicy, toSelection } from './selection.ts';
import { joinKind } from './target.ts';

export function text(flags: FlagValues, name: string): string | undefined {
  const value = flags[name];
  return typeof value === 'string' ? value : undefined;
}

/**
 * A connection flag. kubectl takes an empty value as no flag; but an unset variable in a script must not lead a fault
 * to another cluster.
 */
function setting(flags: FlagValues, name: string): string | undefined {
  const value = text(flags, name);
  if (value === '') throw usageError(`--${separateWords(name, '-')}: must not be empty`);
  return value;
}

/** More operands than the one that is read, as a usage error; `meant`: what was probably meant. */
export function tooMany(operand: string, given: readonly string[], meant?: string): ChaosError {
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
  return usageError(`expected one ${operand}, got ${given.length} (${given.map(quote).join(', ')})${hint}`);
}

/** Of a command that takes none. */
export function refuseWords(verb: string, [word]: readonly string[]): void {
  if (word !== undefined) throw usageError(`${verb} takes no arguments, got ${quote(word)}`);
}

/** The one TARGET of these words, of which there is one at least. `meant` as of `tooMany`. */
export function oneTarget(words: readonly string[], meant?: string): string {
  const [target = '', ...others] = joinKind(words);
  if (others.length > 0) throw tooMany('TARGET', words, meant);
  return target;
}

const dryRunModes: readonly string[] = ['none', 'client', 'server'];

/** The part of a request that all faults share. Throws usage errors only. */
export function toRunOptions(targets: readonly string[], flags: FlagValues): RunOptions {
  const mode = targets.slice(1).find((word) => dryRunModes.includes(word));
  if (mode !== undefined && isGiven(run.dryRun, flags)) throw tooMany('TARGET', targets, `--dry-run=${mode}`);
  const selection = toSelection(targets, flags, {
    namespace: text(flags, 'namespace'),
    container: text(flags, 'container'),
  });

  const durationMs = run.duration.read(flags);
  const graceMs = run.grace.read(flags);
  const { detached, noAttach, leaseMs } = toLease(flags);
  const policy = toPolicy(flags);
  if (detached && policy.maxFailed !== undefined) {
    throw usageError(
      '--detach and --max-failed are mutually exclusive: a detached fault is in force on all targets or on none, and nobody counts afterwards',
    );
  }
  const dryRun = run.dryRun.read(flags);
  const output = run.output.read(flags);
  const reason = run.reason.read(flags);
  if (reason !== undefined && reason.length > 1_024) throw usageError('--reason: must be at most 1024 characters');

  return {
    selection,
    policy,
    connection: toConnection(flags),
    durationMs,
    graceMs,
    detached,
    noAttach,
    leaseMs,
    runAs: run.runAs.read(flags),
    strict: run.strict.read(flags),
    ...toAgentOptions(flags),
    reason,
    yes: run.yes.read(flags),
    ...(dryRun === 'none' ? {} : { dryRun }),
    output: output === undefined || output === 'experiment' ? 'human' : output,
    verbose: run.verbose.read(flags),
    cleanup: !noCleanup.read(flags),
  };
}

function toLease(flags: FlagValues): Pick<RunOptions, 'detached' | 'noAttach' | 'leaseMs'> {
  const detached = run.detach.read(flags);
  const noAttach = run.noAttach.read(flags);
  if (!isGiven(run.lease, flags) || !(detached || noAttach))
    return { detached, noAttach, leaseMs: run.lease.read(flags) };
  throw usageError(
    detached
      ? '--detach and --lease are mutually exclusive: nothing renews the lease of a detached fault'
      : '--no-attach and --lease are mutually exclusive: without an attach nothing renews the lease',
  );
}

/** kubectl's connection flags. */
export function toConnection(flags: FlagValues): ConnectionOptions {
  if (flags.username !== undefined || flags.password !== undefined) {
    throw usageError(
      '--username and --password: basic authentication is not supported, and Kubernetes 1.19 removed it',
      'Use --token, --client-certificate, or a user of the kubeconfig: --user.',
    );
  }
  const connection: ConnectionOptions = {};
  const names = [
    'kubeconfig',
    'context',
    'cluster',
    'user',
    'namespace',
    'server',
    'token',
    'as',
    'asUid',
    'certificateAuthority',
    'clientCertificate',
    'clientKey',
    'tlsServerName',
  ] as const;
  for (const name of names) {
    const value = setting(flags, name);
    if (value !== undefined) connection[name] = value;
  }
  if (Array.isArray(flags.asGroup)) connection.asGroup = flags.asGroup;
  if ((connection.asGroup || connection.asUid) && connection.as === undefined) {
    throw usageError('--as-group and --as-uid require a user to impersonate: add --as');
  }
  if (flags.insecureSkipTlsVerify === true) {
    if (connection.certificateAuthority !== undefined) {
      throw usageError('--insecure-skip-tls-verify and --certificate-authority are mutually exclusive');
    }
    connection.insecureSkipTlsVerify = true;
  }
  setting(flags, 'requestTimeout');
  const requestTimeoutMs = requestTimeoutFlag.read(flags);
  if (requestTimeoutMs !== undefined) connection.requestTimeoutMs = requestTimeoutMs;
  return connection;
}
