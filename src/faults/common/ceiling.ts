import type { Resolved, Sample } from '../../shim/protocol.ts';
import { formatBytes } from '../../text.ts';
import { memoryLimitBytes } from './memory.ts';

/** What binds the target: the one place that decides it, from what the shim has read of the target's cgroup and of those above it. */

/** Whose cgroup a limit is of. */
type Owner = 'container' | 'pod' | 'above' | 'unknown';

const ownerWords: Readonly<Record<Owner, string>> = {
  container: 'the container',
  pod: 'the pod',
  above: 'a cgroup above the pod',
  unknown: "a cgroup above the target's own",
};

/** What of the target's place tells whose a level is. */
export type Place = Pick<Resolved, 'cgroups' | 'container'>;

/**
 * Whose cgroup is `level` levels above the target's own, in the hierarchy with this controller. The kubelet makes the
 * pod's, and the runtime the container's right below it; crun, systemd and Docker in Docker put the target into one
 * below that. Without a place, as of a fault that was found in force, nobody can tell which of the levels above its own
 * those are.
 */
function ownerOf(level: number, controller: string, place: Place | undefined): Owner {
  if (!place) return level === 0 ? 'container' : 'unknown';
  const inner = depthBelowContainer(controller, place);
  return level <= inner ? 'container' : level === inner + 1 ? 'pod' : 'above';
}

function depthBelowContainer(controller: string, { cgroups, container }: Place): number {
  const own =
    cgroups.find(({ hierarchy }) => hierarchy.split(',').includes(controller)) ??
    cgroups.find(({ version }) => version === 2);
  if (!own || container === undefined) return 0;
  const words = own.path.split('/');
  const at = words.findLastIndex((word) => word.includes(container));
  return at < 0 ? 0 : words.length - 1 - at;
}

/** The CPU limit in cores as the cgroups enforce it; undefined: none. */
export function cpuLimitCores(sample: Sample): number | undefined {
  const { cpuQuotaUs: quota, cpuPeriodUs: period } = sample;
  return quota === undefined || period === undefined || quota <= 0 || period <= 0 ? undefined : quota / period;
}

/** How many CPUs the target can have at once, and what holds it to that: in words, `the container may use 2.00 of CPUs 2-3`. */
export interface CpuCeiling {
  cores: number;
  by: 'quota' | 'node' | 'cpuset';
  words: string;
}

/** The lowest of the quota, what the node has (its capacity), and the CPUs that the target may run on. Undefined: nothing of it is known. */
export function cpuCeiling(sample: Sample, nodeCores: number | undefined, place?: Place): CpuCeiling | undefined {
  const owner = ownerWords[ownerOf(sample.cpuLevel ?? 0, 'cpu', place)];
  const ceilings = [
    { cores: cpuLimitCores(sample), by: 'quota', words: (cores: string) => `${owner} may use ${cores}` },
    { cores: nodeCores, by: 'node', words: (cores: string) => `the node has ${cores}` },
    {
      cores: sample.cpusetCpus,
      by: 'cpuset',
      words: (cores: string) => `the container may use ${cores} of ${describeCpus(sample)}`,
    },
  ] as const;
  const known = ceilings.flatMap(({ cores, by, words }) =>
    cores === undefined ? [] : [{ cores, by, words: words(cores.toFixed(2)) }],
  );
  // Of equal ones the first.
  return known.toSorted((a, b) => a.cores - b.cores)[0];
}

/** `CPUs 2-3`. */
export function describeCpus({ cpusetList: list, cpusetCpus: count }: Sample): string {
  return list === undefined ? 'its cpuset' : `CPU${count === 1 ? '' : 's'} ${list}`;
}

/** Whether the target may run on some of the node's CPUs only. */
export function isPinned({ cpusetCpus: cpus }: Sample, nodeCores: number | undefined): boolean {
  return cpus !== undefined && nodeCores !== undefined && cpus < nodeCores;
}

/** How much memory the target can have, and what holds it to that: in words, `the pod's limit, 128Mi`. */
export interface MemoryCeiling {
  bytes: number;
  /** `node`: no limit holds, and `above`: one that all pods of the node share. */
  by: Owner | 'high' | 'node';
  words: string;
}

/** Whose cgroup the memory limit in force is of, where there is one. */
export function memoryLimitOwner(sample: Sample, place: Place | undefined): Owner {
  return ownerOf(sample.memoryLimitLevel ?? 0, 'memory', place);
}

/** In words, `the pod`. */
export function memoryLimitHolder(sample: Sample, place: Place | undefined): string {
  return ownerWords[memoryLimitOwner(sample, place)];
}

/** The memory limit in force, where there is one, in words: `the pod's limit`. */
export function memoryLimitName(sample: Sample, place: Place | undefined): string {
  const owner = memoryLimitOwner(sample, place);
  const words = ownerWords[owner];
  return owner === 'container' || owner === 'pod' ? `${words}'s limit` : `the limit of ${words}`;
}

/** The lower of the memory limit in force at any level and of memory.high; without either what the node has. Undefined: the kernel does not tell. */
export function memoryCeiling(sample: Sample, place?: Place): MemoryCeiling | undefined {
  const limit = memoryLimitBytes(sample);
  const { memoryHighBytes: high, nodeMemoryTotalBytes: total } = sample;
  if (high !== undefined && high >= 0 && (limit === undefined || high < limit)) {
    return { bytes: high, by: 'high', words: `memory.high, ${formatBytes(high)}` };
  }
  if (limit !== undefined) {
    const by = memoryLimitOwner(sample, place);
    return { bytes: limit, by, words: `${memoryLimitName(sample, place)}, ${formatBytes(limit)}` };
  }
  if (total === undefined) return undefined;
  return { bytes: total, by: 'node', words: `the node's memory, ${formatBytes(total)}, since no limit holds` };
}
