import { usageError } from '../errors.ts';
import type { OutputFormat, RunOptions } from '../faults/request.ts';
import type { ConnectionOptions } from '../ports.ts';
import { separateWords } from '../text.ts';
import { parseDuration } from '../units.ts';
import { checkName, parseTarget } from './target.ts';
import { choice, duration, quote } from './values.ts';

/** Flags as commander hands them over: every value a string, a repeated one a list. */
export type FlagValues = Readonly<Record<string, string | string[] | boolean | undefined>>;

export function text(flags: FlagValues, name: string): string | undefined {
  const value = flags[name];
  return typeof value === 'string' ? value : undefined;
}

/** All values of a flag that may be repeated, each of which may be a comma-separated list. */
export function list(flags: FlagValues, name: string): string[] {
  const values = flags[name];
  return Array.isArray(values) ? values.flatMap((value) => value.split(',')) : [];
}

/** A connection flag. kubectl takes an empty value as no flag; but an unset variable in a script must not lead a fault to another cluster. */
function setting(flags: FlagValues, name: string): string | undefined {
  const value = text(flags, name);
  if (value === '') throw usageError(`--${separateWords(name, '-')}: is empty`);
  return value;
}

const day = 24 * 3_600_000;

/** The part of a request that all faults share. Throws usage errors only. */
export function toRunOptions(targets: readonly string[], flags: FlagValues): RunOptions {
  const [target, ...others] = targets;
  if (target === undefined) throw usageError('TARGET is missing: name a pod, or a workload such as deploy/web');
  if (others.length > 0) throw usageError(`only one TARGET can be given, and there is also ${quote(others[0] ?? '')}`);

  const durationMs = duration('--duration', text(flags, 'duration') ?? '60s', 1_000, day);
  const graceMs = duration('--grace', text(flags, 'grace') ?? '2s', 0, 600_000);
  const leaseMs = toLease(flags);
  const dryRun = text(flags, 'dryRun');
  if (dryRun !== undefined && dryRun !== 'none') choice('--dry-run', dryRun, ['client']);
  const output = text(flags, 'output');
  const reason = text(flags, 'reason');
  if (reason !== undefined && reason.length > 1_024) throw usageError('--reason: at most 1024 characters');
  const agentNamespace = text(flags, 'agentNamespace');
  checkName('--agent-namespace', agentNamespace);

  const runsAsRoot = text(flags, 'as') === 'root';
  return {
    target: parseTarget(target, text(flags, 'namespace'), text(flags, 'container')),
    connection: toConnection(flags, workloadUsers),
    durationMs,
    graceMs,
    leaseMs,
    runAs: runsAsRoot ? 'root' : 'target',
    strict: flags.strict === true,
    ...toImage(flags),
    agentNamespace,
    reason,
    dryRun: dryRun === 'client',
    output: output === undefined ? 'human' : choice<OutputFormat>('--output', output, ['json', 'ndjson']),
    verbose: flags.verbose === true,
  };
}

/** The tools image, and the secret to pull it with. */
export function toImage(flags: FlagValues): Pick<RunOptions, 'image' | 'imagePullSecret'> {
  const image = text(flags, 'image');
  if (image !== undefined && !/^\S+$/.test(image)) throw usageError(`--image ${quote(image)}: not an image reference`);
  return { image, imagePullSecret: text(flags, 'imagePullSecret') };
}

/** 0: detached. */
function toLease(flags: FlagValues): number {
  const lease = text(flags, 'lease');
  if (flags.detach === true) {
    if (lease === undefined) return 0;
    throw usageError('--detach and --lease exclude each other: without this command nobody renews a lease');
  }
  // A beat goes out every 3 s: a shorter lease would end on a single late packet.
  return duration('--lease', lease ?? '15s', 5_000, 3_600_000);
}

/** Where a fault is asked for, these values of `--as` speak of the workload; every other name is impersonated, as kubectl does. */
const workloadUsers: readonly string[] = ['root', 'target'];

function impersonated(flags: FlagValues, notUsers: readonly string[]): string | undefined {
  const as = setting(flags, 'as');
  const asUser = setting(flags, 'asUser');
  const user = as !== undefined && notUsers.includes(as) ? undefined : as;
  if (user !== undefined && asUser !== undefined) {
    throw usageError('--as and --as-user both name a user to impersonate: give one of them');
  }
  return user ?? asUser;
}

/** kubectl's connection flags; `notUsers`: values of `--as` that do not name a user. */
export function toConnection(flags: FlagValues, notUsers: readonly string[]): ConnectionOptions {
  const connection: ConnectionOptions = {};
  const names = [
    'kubeconfig',
    'context',
    'cluster',
    'user',
    'namespace',
    'server',
    'token',
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
  const as = impersonated(flags, notUsers);
  if (as !== undefined) connection.as = as;
  if (Array.isArray(flags.asGroup)) connection.asGroup = flags.asGroup;
  if ((connection.asGroup || connection.asUid) && as === undefined) {
    throw usageError('--as-group and --as-uid need a user to impersonate: add --as-user');
  }
  if (flags.insecureSkipTlsVerify === true) {
    if (connection.certificateAuthority !== undefined) {
      throw usageError('--insecure-skip-tls-verify and --certificate-authority exclude each other');
    }
    connection.insecureSkipTlsVerify = true;
  }
  const timeout = setting(flags, 'requestTimeout');
  // kubectl takes a bare number as seconds here, and only here.
  if (timeout !== undefined) connection.requestTimeoutMs = requestTimeout(timeout);
  return connection;
}

function requestTimeout(value: string): number {
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : parseDuration(value);
  if (ms === undefined) {
    throw usageError(`--request-timeout ${quote(value)}: not a number of seconds or a duration such as 5s`);
  }
  // A timer of Node's that is longer than 2^31 ms (24.8 days) fires at once.
  if (ms > day) throw usageError(`--request-timeout ${quote(value)}: at most 24h, or 0 for never`);
  return ms;
}
