import type { AgentShape, Quantities } from '../ports.ts';
import { parseQuantity } from '../units.ts';

/**
 * What the agent's container asks for and may use. The workload is charged to the target's cgroup; what is charged here is the shim (under 1 MiB) and its
 * copies of programs. Requests are small, as the kubelet refuses a pod that does not fit even though nodeName skips the scheduler, and no smaller than the
 * minimum of common LimitRanges. Limits are there because quotas ask for them, within the ratios to requests that are usual: memory for memory, so that
 * the agent is among the last to be evicted, and five times the CPU. Half a CPU slows a revert by no more than a factor of two, and on a busy node the
 * request is what the agent can count on. For one target; each further one is a shim more, with copies of its own.
 */
const usual = { requests: { cpu: '100m' }, limits: { cpu: '500m' } };
const memoryMi = 128;
/** Measured with stress-ng, the largest: 23 MiB for the unpacked tools, and 14 for each target. */
const memoryOfAnotherMi = 16;

/** The usual for so many targets with what was asked for in its place; where they do not go together, what is usual gives way. Pure. */
export function resourcesOf(
  asked: Pick<AgentShape, 'requests' | 'limits'>,
  targets = 1,
): Record<'requests' | 'limits', Quantities> {
  const memory = `${memoryMi + memoryOfAnotherMi * (targets - 1)}Mi`;
  const requests: Quantities = { ...usual.requests, memory, ...asked.requests };
  const limits: Quantities = { ...usual.limits, memory, ...asked.limits };
  const over = Object.keys(requests).filter((name) => exceeds(requests[name] ?? '', limits[name]));
  return {
    requests: { ...requests, ...only(over, asked.limits), ...asked.requests },
    limits: { ...limits, ...only(over, asked.requests), ...asked.limits },
  };
}

function exceeds(request: string, limit: string | undefined): boolean {
  return limit !== undefined && (parseQuantity(request) ?? 0) > (parseQuantity(limit) ?? 0);
}

function only(names: readonly string[], quantities: Quantities): Quantities {
  return Object.fromEntries(Object.entries(quantities).filter(([name]) => names.includes(name)));
}
