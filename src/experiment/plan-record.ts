import { type IoFault, loadModes, type ThrottleLimits } from '../faults/io/types.ts';
import type { NetFault, PortRange, Shaping } from '../faults/net/types.ts';
import type { StressFault } from '../faults/stress/plan.ts';
import { isObject, readJson } from '../json.ts';
import type { Target, Volume } from '../ports.ts';
import type { RunPlan } from './plan.ts';

/**
 * What of a plan is left at the agent pod for whoever follows a detached fault: enough to watch it and to judge it. Whoever may write pods may have written it, so that it is read as a
 * stranger's; it holds no more than the pod itself shows, and no arguments of the user's.
 */

/** What is read back. */
export type RecordedPlan = Pick<RunPlan, 'target' | 'fault' | 'summary' | 'durationMs' | 'graceMs' | 'leaseMs'>;

/** Of the peers only what a sentence needs: their addresses may be thousands. */
interface NetRecord extends Pick<NetFault, 'fault' | 'shaping' | 'block' | 'direction' | 'ports' | 'protocol'> {
  to: readonly string[];
  from: readonly string[];
  podContainers: readonly string[];
}

/** `ownArgs`: whether stress-ng has arguments of the user's. */
type StressRecord = Omit<StressFault, 'stressNgArgs'> & { ownArgs: boolean };

/** Of the volumes only the one that the path is in. */
type IoRecord = Omit<IoFault, 'surroundings'> & { volume: Volume };

interface PlanRecord {
  version: 1;
  target: Omit<Target, 'chosenFrom' | 'assumed'>;
  fault: StressRecord | NetRecord | IoRecord;
  summary: string;
  durationMs: number;
  graceMs: number;
}

const longestText = 512;
/** The kernel's PATH_MAX. */
const longestPath = 4_096;
const mostItems = 16;
/** Characters; a record has at most some 30 thousand, and an object's annotations may have 256 Ki together. */
const longestRecord = 64 * 1024;

export function writePlan(plan: RecordedPlan): string {
  const { chosenFrom: _chosenFrom, assumed: _assumed, ...target } = plan.target;
  const { durationMs, graceMs } = plan;
  const summary = plan.summary.replace(/\p{Cc}/gu, ' ').slice(0, longestText);
  const record: PlanRecord = {
    version: 1,
    target,
    fault: recordFault(plan.fault as AnyFault),
    summary,
    durationMs,
    graceMs,
  };
  return JSON.stringify(record);
}

type AnyFault = StressFault | NetFault | IoFault;

function recordFault(fault: AnyFault): PlanRecord['fault'] {
  if (fault.fault === 'stress') {
    const { stressNgArgs, ...rest } = fault;
    return { ...rest, ownArgs: stressNgArgs.length > 0 };
  }
  if (fault.fault === 'io') {
    const { surroundings, ...rest } = fault;
    return { ...rest, volume: shortened(surroundings.volume) };
  }
  const { shaping, block, direction, ports, protocol, surroundings } = fault;
  const texts = (peers: readonly { query: { text: string } }[]) =>
    [...new Set(peers.map(({ query }) => query.text.slice(0, longestText)))].slice(0, mostItems);
  return {
    fault: 'net',
    ...(shaping ? { shaping } : {}),
    ...(block ? { block } : {}),
    direction,
    ports: ports.slice(0, mostItems),
    ...(protocol ? { protocol } : {}),
    to: texts(surroundings.to),
    from: texts(surroundings.from),
    podContainers: surroundings.podContainers.slice(0, mostItems),
  };
}

/** A host's path, and what a container calls it, may be of any length. */
function shortened({ kind, name, detail, mountPath, readOnly }: Volume): Volume {
  const short = (text: string) => text.replace(/\p{Cc}/gu, ' ').slice(0, longestText);
  const told = detail === undefined ? {} : { detail: short(detail) };
  return { kind: short(kind), name: short(name), ...told, mountPath: short(mountPath), readOnly };
}

/** Undefined: not what `writePlan` writes, of whatever version. */
export function readPlan(text: string): RecordedPlan | undefined {
  if (text.length > longestRecord) return undefined;
  const value = readJson(text);
  if (!isRecord(value)) return undefined;
  const { target, summary, durationMs, graceMs, fault } = value as PlanRecord;
  // A plan is recorded of a detached fault, and of no other.
  return { target, summary, durationMs, graceMs, leaseMs: 0, fault: toFault(fault) };
}

function toFault(record: PlanRecord['fault']): AnyFault {
  if (record.fault === 'stress') {
    const { ownArgs, ...rest } = record;
    // That there are some is all that matters now that they have been given to stress-ng.
    return { ...rest, stressNgArgs: ownArgs ? ['…'] : [] };
  }
  if (record.fault === 'io') {
    const { volume, ...rest } = record;
    return { ...rest, surroundings: { volume } };
  }
  const { to, from, podContainers, ...rest } = record;
  // Their addresses have gone into the kernel's rules; as names they are only spoken of.
  const peers = (texts: readonly string[]) =>
    texts.map((name) => ({ query: { kind: 'host' as const, text: name, name }, cidrs: [] }));
  return {
    ...rest,
    interfaces: [],
    allowHostNetwork: false,
    surroundings: {
      ...{ to: peers(to), from: peers(from), except: [], podContainers },
      ...{ hostNetwork: false, podIps: [], nodeIps: [], networkProbes: false },
    },
  };
}

type Check = (value: unknown) => boolean;

/** These fields, and no other. */
function fields(required: Readonly<Record<string, Check>>, optional: Readonly<Record<string, Check>> = {}): Check {
  const all: Readonly<Record<string, Check>> = { ...required, ...optional };
  return (value) =>
    isObject(value) &&
    Object.keys(required).every((name) => Object.hasOwn(value, name)) &&
    Object.entries(value).every(([name, field]) => Object.hasOwn(all, name) && all[name]?.(field) === true);
}

const anyOf =
  (...checks: readonly Check[]): Check =>
  (value) =>
    checks.some((check) => check(value));
const oneOf = (...values: readonly unknown[]): Check =>
  anyOf(
    ...values.map(
      (one): Check =>
        (value) =>
          value === one,
    ),
  );
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.length <= mostItems && value.every(check);
const matching =
  (pattern: RegExp, longest = longestText): Check =>
  (value) =>
    typeof value === 'string' && value.length <= longest && pattern.test(value);
const within =
  (least: number, most: number): Check =>
  (value) =>
    typeof value === 'number' && value >= least && value <= most;
const whole =
  (least: number, most: number): Check =>
  (value) =>
    Number.isInteger(value) && within(least, most)(value);

/** It goes to a terminal. */
const isText = matching(/^\P{Cc}*$/u);
const isFlag = oneOf(true, false);
/** They become part of a request's path. */
const isName = matching(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/);
const isAmount = within(0, 2 ** 60);
const isPercent = within(0, 100);
const isMs = whole(0, 30 * 24 * 3_600_000);

const isTarget = fields(
  {
    ...{ namespace: isName, pod: isName, container: isName, node: isName },
    ...{ podUid: matching(/^[\w-]{1,64}$/), containerId: matching(/^[\w.-]{1,128}$/), runtime: isText },
    ...{ architecture: oneOf('amd64', 'arm64'), restartCount: isAmount, containers: isAmount },
  },
  {
    ...{ cpuLimitCores: isAmount, memoryLimitBytes: isAmount },
    ...{ nodeAllocatableCores: isAmount, nodeAllocatableMemoryBytes: isAmount },
  },
);

const isStress = fields(
  { fault: oneOf('stress'), ownArgs: isFlag, oomVictim: oneOf('stressor', 'app') },
  {
    cpu: fields({ workers: isAmount, loadPercent: isPercent, cores: isAmount }),
    memory: fields({ bytes: isAmount }, { basis: isText }),
    processes: isAmount,
  },
);

const isChance = fields({ percent: isPercent }, { correlationPercent: isPercent });
const shapingChecks: Readonly<Record<keyof Shaping, Check>> = {
  delay: fields(
    { ms: isMs },
    {
      ...{ jitterMs: isMs, correlationPercent: isPercent },
      distribution: oneOf('normal', 'uniform', 'pareto', 'paretonormal'),
    },
  ),
  loss: anyOf(isChance, fields({ model: listOf(isText) })),
  corruptPercent: isPercent,
  duplicatePercent: isPercent,
  reorder: isChance,
  rate: fields({ bitsPerSecond: isAmount }, { burstBytes: isAmount }),
};
const portChecks: Readonly<Record<keyof PortRange, Check>> = { from: whole(1, 65_535), to: whole(1, 65_535) };

const isNet = fields(
  {
    ...{ fault: oneOf('net'), direction: oneOf('egress', 'ingress', 'both') },
    ...{ ports: listOf(fields(portChecks)), to: listOf(isText), from: listOf(isText), podContainers: listOf(isName) },
  },
  {
    ...{ shaping: fields({}, shapingChecks), block: oneOf('drop', 'reject') },
    protocol: oneOf('tcp', 'udp', 'icmp'),
  },
);

const isLoad = fields(
  { kind: oneOf('load'), mode: oneOf(...loadModes), workers: isAmount, sizeBytes: isAmount },
  { blockBytes: isAmount },
);
const isFill = fields(
  { kind: oneOf('fill'), leaveBytes: isAmount },
  {
    space: anyOf(fields({ bytes: isAmount }), fields({ percent: isPercent })),
    inodes: anyOf(fields({ count: isAmount }), fields({ percent: isPercent })),
  },
);
const limitChecks: Readonly<Record<keyof ThrottleLimits, Check>> = {
  ...{ readBytesPerSecond: isAmount, writeBytesPerSecond: isAmount },
  ...{ readOpsPerSecond: isAmount, writeOpsPerSecond: isAmount },
};
const isThrottle = fields({ kind: oneOf('throttle'), limits: fields({}, limitChecks) });

const isIo = fields(
  {
    ...{ fault: oneOf('io'), path: matching(/^\/\P{Cc}*$/u, longestPath), allowNodeDisk: isFlag },
    action: anyOf(isLoad, isFill, isThrottle),
    directory: matching(/^\.kubectl-chaos-[a-z0-9.-]{1,50}$/),
    volume: fields({ kind: isText, name: isText, mountPath: isText, readOnly: isFlag }, { detail: isText }),
  },
  { asRoot: oneOf(true) },
);

const isRecord = fields({
  ...{ version: oneOf(1), target: isTarget, fault: anyOf(isStress, isNet, isIo), summary: isText },
  ...{ durationMs: whole(1, 30 * 24 * 3_600_000), graceMs: isMs },
});
