import { type Fields, isObject, readJson } from '../json.ts';

/** What `nsexec sweep` says, as native/README.md defines it. */

/** What is left of a fault, or belongs to one that runs. */
export interface Residue {
  /** Inode of the network namespace; absent: a finding whose network does not matter. */
  netns?: number;
  /** A process there; 0: there is none but the guardian. */
  pid: number;
  /** That process's. */
  cgroup: string;
  what: (typeof kinds)[number];
  /** The device, link, table, process, path of a directory, or file of a cgroup's setting; of a freeze whose it is. */
  name: string;
  /** Of a setting: `MAJOR:MINOR`. */
  device?: string;
  /** Of a qdisc. */
  handle?: string;
  inUse: boolean;
  removed: boolean;
}

/** The shim's sums, its last word. */
export interface Swept {
  /** Network namespaces that were looked at. */
  namespaces: number;
  found: number;
  inUse: number;
  removed: number;
  /** Neither in use nor removed. */
  left: number;
  /** Networks, or processes whose network is not known, that could not be looked at. */
  unseen: number;
}

const kinds = ['qdisc', 'ingress', 'link', 'table', 'process', 'directory', 'setting', 'freeze', 'stopped'] as const;

function fieldsOf(line: string): Fields {
  const value = readJson(line);
  return isObject(value) ? value : {};
}

/** The findings among the lines of its stdout; what is no such event is passed over. */
export function parseResidue(lines: string): Residue[] {
  return lines.split('\n').flatMap((line) => {
    const { event, netns, pid, cgroup, what, device, name = device, handle, in_use, removed } = fieldsOf(line);
    const kind = kinds.find((known) => known === what);
    const isGood =
      event === 'residue' && typeof pid === 'number' && typeof cgroup === 'string' && typeof name === 'string';
    if (!isGood || !kind || typeof in_use !== 'boolean' || typeof removed !== 'boolean') return [];
    return {
      ...(typeof netns === 'number' ? { netns } : {}),
      ...{ pid, cgroup, what: kind, name },
      ...(kind === 'setting' && typeof device === 'string' ? { device } : {}),
      ...(typeof handle === 'string' ? { handle } : {}),
      ...{ inUse: in_use, removed },
    };
  });
}

/** The sums, out of a termination message. */
export function parseSwept(message: string): Swept | undefined {
  for (const line of message.split('\n')) {
    const { event, namespaces, found, in_use: inUse, removed, left, unseen } = fieldsOf(line);
    const sums = { namespaces, found, inUse, removed, left, unseen };
    if (event === 'swept' && Object.values(sums).every((sum) => typeof sum === 'number')) return sums as Swept;
  }
  return undefined;
}
