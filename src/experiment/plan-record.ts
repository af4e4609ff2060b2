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
 * What of the plans of an agent's targets is left at its pod for whoever follows a detached fault: enough to watch it and to judge it.
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

/** So many targets an agent has at most. */
const mostTargets = 128;

const planRecord = v.strictObject({
  version: v.literal(2),
  targets: v.pipe(
    v.array(
      v.strictObject({
        target: targetRecord,
        /** The rest of it is the fault's own. */
        fault: v.looseObject({ fault: v.string() }),
        summary: text,
        name: v.exactOptional(matching(/^target-\d{1,4}$/)),
      }),
    ),
    v.minLength(1),
    v.maxLength(mostTargets),
  ),
  of: v.exactOptional(whole(2, 10_000)),
  /** Of one without a lease, which any command may follow. */
  detached: v.literal(true),
  noAttach: v.exactOptional(v.literal(true)),
  /** The command that started it follows it to its end: one that is left was killed. */
  followed: v.exactOptional(v.literal(true)),
  durationMs: whole(1, 30 * 24 * 3_600_000),
  graceMs: milliseconds,
  sentTools: v.exactOptional(v.literal(true)),
});

/** Bytes, of all annotations of an object together: https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/ (TotalAnnotationSizeLimitB). */
export const mostAnnotations = 256 * 1024;

/** A target's plan as it is recorded. */
export interface RecordedTarget extends RecordedPlan {
  /** By which its agent calls its shim; absent: it is the agent's only one. */
  name?: string;
}

/** What stands at one agent pod. */
export interface PlanRecord {
  targets: readonly [RecordedTarget, ...RecordedTarget[]];
  /** How many targets the experiment has, on all agents. */
  of: number;
  /** Nobody is to read its end from its pod: the command that started it does, unless it was killed. */
  followed?: true;
}

export function writePlans({ targets, of }: Omit<PlanRecord, 'followed'>): string {
  const [{ detached, durationMs, graceMs, noAttach, sentTools }] = targets;
  const followed = detached ? undefined : true;
  return JSON.stringify({
    ...{ version: 2, targets: targets.map(recordOf), ...(of > 1 ? { of } : {}) },
    ...{ detached: true, noAttach, followed, durationMs, graceMs, sentTools },
  });
}

function recordOf(plan: RecordedTarget): object {
  const target = Object.fromEntries(
    Object.keys(targetRecord.entries).map((name) => [name, plan.target[name as keyof Target]]),
  );
  const summary = plan.summary.replace(/\p{Cc}/gu, ' ').slice(0, longestText);
  return { target, fault: kindOf(plan.fault).record.write(plan.fault), summary, name: plan.name };
}

/** Undefined: not what `writePlans` writes, of whatever version. */
export function readPlans(written: string): PlanRecord | undefined {
  if (written.length > mostAnnotations) return undefined;
  const found = read(planRecord, readJson(written));
  if (!found) return undefined;
  const { targets, version: _version, of = 1, followed, ...course } = found;
  const plans = targets.flatMap(({ fault, ...plan }): RecordedTarget[] => {
    const one = kindNamed(fault.fault)?.record.read(fault);
    return one ? [{ ...plan, ...course, leaseMs: 0, fault: one }] : [];
  });
  const [first, ...others] = plans;
  const names = new Set(plans.map(({ name }) => name));
  const areNamed = of > 1 ? !names.has(undefined) && names.size === plans.length : names.has(undefined);
  if (!first || plans.length < targets.length || plans.length > of || !areNamed) return undefined;
  return { targets: [first, ...others], of, ...(followed ? { followed } : {}) };
}
