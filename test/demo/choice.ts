import type { LocalCluster } from './local-cluster.ts';

export type Sandbox = 'host' | 'vm';

/** What `cluster can` says: whether this sandbox is possible here, and why or why not. */
export interface Possible {
  possible: boolean;
  why: string;
}

export interface Arguments {
  /** A running local cluster of the user's own may be used. */
  yes: boolean;
  /** The sandbox that was asked for. */
  sandbox: Sandbox | undefined;
}

/** @throws Error with the usage when they are none of the demo's */
export function parseArguments(words: readonly string[]): Arguments {
  const sandboxes = words.filter((word): word is Sandbox => word === 'host' || word === 'vm');
  const unknown = words.filter((word) => !['--yes', 'host', 'vm'].includes(word));
  if (unknown.length > 0 || sandboxes.length > 1) {
    throw new Error('usage: npm run demo -- [--yes] [host|vm]      --yes: on a local cluster of yours that is running');
  }
  return { yes: words.includes('--yes'), sandbox: sandboxes[0] };
}

export type Choice =
  | { on: 'own'; cluster: LocalCluster; why: string }
  | { on: Sandbox; why: string; hint?: string }
  | { on: 'nothing'; why: string };

/**
 * Where the demo runs: a cluster that is running takes a minute; one on this machine, minutes; a virtual machine needs a disk more and may be emulated. So it is taken in that order,
 * whatever an earlier run has left in the cache.
 * @param running local clusters of the user's own that answer
 * @param can asked only when it matters: to say how fast a virtual machine would be takes time
 */
export function choose(
  { yes, sandbox }: Arguments,
  running: readonly LocalCluster[],
  can: (kind: Sandbox) => Possible,
): Choice {
  const [own] = running;
  if (own && yes && !sandbox)
    return { on: 'own', cluster: own, why: `your ${own.maker} cluster, context ${own.context}` };
  const said = own
    ? `npm run demo -- --yes runs it on your ${own.maker} cluster (context ${own.context}), in about a minute`
    : yes && 'no kind, k3d or minikube cluster of yours is running: a sandbox takes its place, and is taken down again';
  const hint = said && !sandbox ? { hint: said } : {};
  const reasons: string[] = [];
  for (const kind of sandbox ? [sandbox] : (['host', 'vm'] as const)) {
    const { possible, why } = can(kind);
    if (possible) return { on: kind, why: kind === 'host' ? onHost : onVm(why), ...hint };
    reasons.push(why);
  }
  return { on: 'nothing', why: reasons.map((reason) => `  ${reason}`).join('\n') };
}

const onHost =
  'a cluster on this machine, in a mount namespace of its own: about 7 minutes the first time, 20 seconds later';

function onVm(why: string): string {
  if (/accel=kvm/.test(why)) return 'a cluster in a virtual machine: about 8 minutes the first time, 30 seconds later';
  if (/accel=tcg/.test(why))
    return 'a cluster in an emulated virtual machine, since KVM does not work here: about 20 minutes';
  return 'a cluster in a virtual machine: about 8 minutes with KVM, 20 without';
}
