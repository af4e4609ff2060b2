import {
  fields,
  isAmount,
  isMs,
  isName,
  isText,
  longestText,
  matching,
  oneOf,
  whole,
} from '../faults/common/checks.ts';
import type { Fault } from '../faults/fault.ts';
import { kindNamed, kindOf } from '../faults/registry.ts';
import { isObject, readJson } from '../json.ts';
import type { Target } from '../ports.ts';

/**
 * What of a plan is left at the agent pod for whoever follows a detached fault: enough to watch it and to judge it. Whoever may write pods may have written it, so that it is read as a
 * stranger's; it holds no more than the pod itself shows, and no arguments of the user's.
 */

/** What is read back. */
export interface RecordedPlan {
  target: Target;
  fault: Fault;
  summary: string;
  durationMs: number;
  graceMs: number;
  leaseMs: number;
}

interface PlanRecord {
  version: 1;
  target: Omit<Target, 'chosenFrom' | 'assumed'>;
  fault: { fault: string };
  summary: string;
  durationMs: number;
  graceMs: number;
}

/** Characters; a record has at most some 30 thousand, and an object's annotations may have 256 Ki together. */
const longestRecord = 64 * 1024;

export function writePlan(plan: RecordedPlan): string {
  const { chosenFrom: _chosenFrom, assumed: _assumed, ...target } = plan.target;
  const { durationMs, graceMs } = plan;
  const summary = plan.summary.replace(/\p{Cc}/gu, ' ').slice(0, longestText);
  const fault = kindOf(plan.fault).record.write(plan.fault);
  return JSON.stringify({ version: 1, target, fault, summary, durationMs, graceMs });
}

/** Undefined: not what `writePlan` writes, of whatever version. */
export function readPlan(text: string): RecordedPlan | undefined {
  if (text.length > longestRecord) return undefined;
  const value = readJson(text);
  if (!isRecord(value)) return undefined;
  const { target, summary, durationMs, graceMs, ...record } = value as PlanRecord;
  const fault = kindNamed(record.fault.fault)?.record.read(record.fault);
  // A plan is recorded of a detached fault, and of no other.
  return fault && { target, summary, durationMs, graceMs, leaseMs: 0, fault };
}

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

const isRecord = fields({
  ...{ version: oneOf(1), target: isTarget, fault: isObject, summary: isText },
  ...{ durationMs: whole(1, 30 * 24 * 3_600_000), graceMs: isMs },
});
