import type { Memberships, Target } from '../ports.ts';

/** What an experiment means beyond its targets, before it begins; if the pods that are hit stopped being ready. */
export interface Impact {
  pods: number;
  containers: number;
  nodes: number;
  /** Those that have ready pods hit: how many of how many, and how many are left. */
  workloads: readonly { name: string; hit: number; ready: number; readyLeft: number }[];
  /** PodDisruptionBudgets that would be broken: fewer pods would be healthy than are needed. */
  brokenBudgets: readonly { name: string; healthyLeft: number; needed: number }[];
  /** What could not be looked up, with the reason. */
  unknown: readonly string[];
}

/** `memberships`: those of these targets at least. Pure. */
export function impactOf(targets: readonly Target[], memberships: Memberships): Impact {
  const uids = new Set(targets.map(({ podUid }) => podUid));
  // What is not ready already is not lost.
  const ready = memberships.pods.filter(({ uid, isReady }) => isReady && uids.has(uid));
  const workloads = memberships.workloads.flatMap(({ name, readyPods }) => {
    const hit = ready.filter(({ workload }) => workload === name).length;
    return hit === 0 ? [] : [{ name, hit, ready: readyPods, readyLeft: Math.max(0, readyPods - hit) }];
  });
  const brokenBudgets = memberships.budgets.flatMap(({ name, pods, healthy, needed }) => {
    const hit = ready.filter(({ uid }) => pods.includes(uid)).length;
    const healthyLeft = Math.max(0, healthy - hit);
    return hit > 0 && healthyLeft < needed ? [{ name, healthyLeft, needed }] : [];
  });
  return {
    pods: uids.size,
    containers: targets.length,
    nodes: new Set(targets.map(({ node }) => node)).size,
    ...{ workloads, brokenBudgets, unknown: memberships.unknown },
  };
}
