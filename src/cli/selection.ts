import { type ChaosError, usageError } from '../errors.ts';
import { count, type Flag, type FlagValues, isGiven, text, time, toggle, valued } from '../flags/flag.ts';
import { groups } from '../flags/groups.ts';
import { checkName, targetKind } from '../flags/names.ts';
import { parseSelector } from '../flags/selector.ts';
import { integer, quote, wholePercentage } from '../flags/values.ts';
import type { Take, TargetName } from '../ports.ts';
import type { MaxFailed, PolicyRequest, SelectionRequest } from '../requests.ts';
import { joinKind, parseTarget } from './target.ts';

/** Which pods a fault is for: the flags, and how they and the operands become a selection. */

const group = groups.targets;
const rare = { group, isRare: true } as const;

const selection = {
  selector: text({
    ...{ name: '--selector', short: '-l', value: 'labels', ...rare },
    help: 'in place of TARGET: pods with these labels, such as app=web,tier!=db; one is chosen at random',
  }),
  all: toggle({ name: '--all', ...rare, isNeverHinted: true, help: 'take every ready pod' }),
  count: count({
    ...{ name: '--count', value: 'number', ...rare, min: 1, max: 10_000 },
    help: 'take this many ready pods, spread over nodes and zones',
  }),
  percent: valued(
    {
      ...{ name: '--percent', value: 'percent', ...rare },
      help: 'take this share of the ready pods, rounded up and at least one, spread over nodes and zones',
    },
    wholePercentage,
  ),
  seed: text({
    ...{ name: '--seed', value: 'text', ...rare },
    help: 'choose the same pods as the run or dry run that printed this (default: another choice each time)',
  }),
  allContainers: toggle({
    ...{ name: '--all-containers', ...rare, isNeverHinted: true },
    help: 'take all containers of each pod, but no sidecar among its init containers',
  }),
  skipUnsuitable: toggle({
    ...{ name: '--skip-unsuitable', ...rare },
    help: 'leave out pods that cannot be hit, and say why; else none is hit',
  }),
  allowSystem: toggle({
    ...{ name: '--allow-system', ...rare, isNeverHinted: true, isAllowance: true },
    help: 'allow a part of the cluster itself: a pod of a system-critical priority class, and in kube-system of a DaemonSet or the control plane',
  }),
};

/** What several targets are to each other. */
const together = {
  maxFailed: valued(
    {
      ...{ name: '--max-failed', value: 'number', ...rare },
      help: 'stop the others when more than so many targets, or percent of them, have failed (default: go on with the rest)',
    },
    (name, value): MaxFailed =>
      value.endsWith('%') ? { percent: wholePercentage(name, value) } : { count: integer(name, value, 0, 10_000) },
  ),
  armTimeout: time({
    ...{ name: '--arm-timeout', value: 'time', ...rare },
    help: 'start none when not all targets are ready to start within this (default: {default})',
    ...{ default: '5m', min: 1_000, max: 3_600_000 },
  }),
};

/** Of other commands; refused where it is read. */
const allNamespaces = toggle({ name: '--all-namespaces', short: '-A', group, help: '', isHidden: true });

export const selectionFlags: readonly Flag[] = [...Object.values(selection), ...Object.values(together), allNamespaces];

const longestSeed = 64;

/** What the flags say of several targets together. Throws usage errors only. */
export function toPolicy(flags: FlagValues): PolicyRequest {
  return { maxFailed: together.maxFailed.read(flags), armMs: together.armTimeout.read(flags) };
}

/** Operands and flags as a selection. Throws usage errors only. `container`, `namespace`: what the flags of these names say. */
export function toSelection(
  operands: readonly string[],
  flags: FlagValues,
  { container, namespace }: { container: string | undefined; namespace: string | undefined },
): SelectionRequest {
  if (allNamespaces.read(flags)) {
    throw usageError('--all-namespaces: a fault is for pods of one namespace: name it with --namespace');
  }
  checkName('--namespace', namespace);
  checkName('--container', container);
  const allContainers = selection.allContainers.read(flags);
  if (allContainers && container !== undefined) {
    throw usageError('--container and --all-containers are mutually exclusive');
  }
  return {
    from: toSource(operands, flags),
    ...{ namespace, container, allContainers },
    take: toTake(flags),
    seed: toSeed(flags),
    skipUnsuitable: selection.skipUnsuitable.read(flags),
    allowSystem: selection.allowSystem.read(flags),
  };
}

function toSource(operands: readonly string[], flags: FlagValues): SelectionRequest['from'] {
  const labels = selection.selector.read(flags);
  const [first] = operands;
  if (labels === undefined) {
    if (first === undefined) {
      throw usageError('TARGET is required: name a pod, or a workload such as deploy/web, or use --selector');
    }
    const named = joinKind(operands).map((operand) => parseTarget(operand, undefined, undefined));
    const each = new Map(named.map(({ kind, name }): [string, TargetName] => [`${kind}/${name}`, { kind, name }]));
    return [...each.values()];
  }
  parseSelector('--selector', labels);
  // `pods -l app=web`, as kubectl has it.
  if (first !== undefined && !(operands.length === 1 && targetKind(first.toLowerCase()) === 'pod')) {
    throw usageError(`--selector and TARGET (${quote(first)}) are mutually exclusive: the labels are those of pods`);
  }
  return { labels: labels.trim() };
}

function toTake(flags: FlagValues): Take {
  const { all, count: number, percent } = selection;
  const given = [all, number, percent].filter((flag) => isGiven(flag, flags)).map(({ name }) => name);
  if (given.length > 1) throw mutuallyExclusive(given);
  const [size, share] = [number.read(flags), percent.read(flags)];
  if (size !== undefined) return { count: size };
  if (share !== undefined) return { percent: share };
  return all.read(flags) ? 'all' : 'one';
}

function mutuallyExclusive(names: readonly string[]): ChaosError {
  return usageError(`${names.slice(0, -1).join(', ')} and ${names.at(-1)} are mutually exclusive`);
}

function toSeed(flags: FlagValues): string | undefined {
  const seed = selection.seed.read(flags);
  if (seed === undefined) return undefined;
  if (seed === '') throw usageError('--seed: must not be empty');
  if (seed.length > longestSeed) throw usageError(`--seed: must be at most ${longestSeed} characters`);
  return seed;
}
