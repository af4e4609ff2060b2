import * as v from 'valibot';
import {
  amount,
  longestText,
  matching,
  milliseconds,
  objectName,
  read,
  text,
  whole,
} from '../faults/common/schemas.ts';
import type { Fault } from '../faults/fault.ts';
import { kindNamed, kindOf } from '../faults/registry.ts';
import { readJson } from '../json.ts';
import type { Target } from '../ports.ts';

/**
 * What of a plan is left at the agent pod for whoever follows a detached fault: enough to watch it and to judge it.
 * Whoever may write pods may have written it, so that it is read as a
 * stranger's; it holds no more than the pod itself shows, and no arguments of the user's.
 */

/** What is read back. */
export interface RecordedPlan {
  target: Target;
  fault: Fault;
  summary: string;
  durationMs: number;
  graceMs: number;
  /** Its duration ends it, or `stop`: the command that started it is gone. */
  detached: boolean;
  /** How long the shim goes on without hearing from the command; without meaning when detached. */
  leaseMs: number;
  /** Its agent is heard by its log and told nothing: it has no lease either. */
  noAttach?: true;
  /** Its fault began only after its tools had been sent, which may have taken long. */
  sentTools?: true;
}

/** Its shim ends the fault when it does not hear from the command. */
export function hasLease({ detached, noAttach }: Pick<RecordedPlan, 'detached' | 'noAttach'>): boolean {
  return !detached && !noAttach;
}

const targetRecord = v.strictObject({
  namespace: objectName,
  pod: objectName,
  container: objectName,
  node: objectName,
  podUid: matching(/^[\w-]{1,64}$/),
  containerId: matching(/^[\w.-]{1,128}$/),
  runtime: text,
  architecture: v.picklist(['amd64', 'arm64']),
  restartCount: amount,
  containers: amount,
  cpuLimitCores: v.exactOptional(amount),
  memoryLimitBytes: v.exactOptional(amount),
  podMemoryLimitBytes: v.exactOptional(amount),
  nodeCores: v.exactOptional(amount),
  nodeMemoryBytes: v.exactOptional(amount),
  nodeAllocatableCores: v.exactOptional(amount),
  nodeAllocatableMemoryBytes: v.exactOptional(amount),
});

const planRecord = v.strictObject({
  version: v.literal(2),
  targets: v.strictTuple([
    v.strictObject({
      target: targetRecord,
      /** The rest of it is the fault's own. */
      fault: v.looseObject({ fault: v.string() }),
      summary: text,
    }),
  ]),
  /** Of one without a lease, which any command may follow. */
  detached: v.literal(true),
  noAttach: v.exactOptional(v.literal(true)),
  durationMs: whole(1, 30 * 24 * 3_600_000),
  graceMs: milliseconds,
  sentTools: v.exactOptional(v.literal(true)),
});

/** Characters; a record has at most some 30 thousand, and an object's annotations may have 256 Ki together. */
const longestRecord = 64 * 1024;

export function writePlan(plan: RecordedPlan): string {
  const target = Object.fromEntries(
    Object.keys(targetRecord.entries).map((name) => [name, plan.target[name as keyof Target]]),
  );
  const { durationMs, graceMs, noAttach, sentTools } = plan;
  const summary = plan.summary.replace(/\p{Cc}/gu, ' ').slice(0, longestText);
  const fault = kindOf(plan.fault).record.write(plan.fault);
  const targets = [{ target, fault, summary }];
  return JSON.stringify({ version: 2, targets, detached: true, noAttach, durationMs, graceMs, sentTools });
}

/** Undefined: not what `writePlan` writes, of whatever version. */
export function readPlan(written: string): RecordedPlan | undefined {
  if (written.length > longestRecord) return undefined;
  const found = read(planRecord, readJson(written));
  if (!found) return undefined;
  const { targets, ...bounds } = found;
  const [{ target, summary, ...record }] = targets;
  const fault = kindNamed(record.fault.fault)?.record.read(record.fault);
  const { version: _version, ...course } = bounds;
  return fault && { target, summary, ...course, leaseMs: 0, fault };
}
