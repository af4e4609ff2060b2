import { afterAll, beforeAll } from 'vitest';
import { apply, clusterKind, kubectl, kubectlJson, kubeletSeconds, startTarget, until } from './cluster.ts';
import { onNode } from './node.ts';
import { suite, suiteBesideOthers } from './suite.ts';

/** All of a cluster's disks are under it, in the node's own mounts; with the cluster they go. */
const base = `/var/lib/kubectl-chaos-test/${clusterKind}/disks`;

export type FileSystem = 'ext4' | 'xfs';

/** The emulated machine has a second disk with a partition of each kind (test/cluster/vm-image); elsewhere it is a file. */
const partitions: Readonly<Record<FileSystem, string>> = { ext4: '/dev/vdb1', xfs: '/dev/vdb2' };

/** In the kubelet's mount namespace, since what it does not see is not in a pod either. No single quotes. */
async function onNodeItself(script: string): Promise<string> {
  return onNode(
    `k=$(grep -lx kubelet /proc/[0-9]*/comm | head -n 1); exec nsenter --mount=\${k%comm}ns/mnt sh -ec '${script}'`,
  );
}

/** What a file system has, in its own blocks: to the block the same before and after. */
export interface Space {
  free: number;
  available: number;
  inodesFree: number;
  blockBytes: number;
  blocks: number;
}

/** A disk of 256 MiB (xfs: 384 MiB) and its file system, mounted on the node, from which pods are given volumes. */
export class Disk {
  readonly name: string;
  /** On the node. */
  readonly directory: string;
  readonly #claims: { namespace: string; claim: string }[] = [];

  private constructor(name: string) {
    this.name = name;
    this.directory = `${base}/${name}`;
  }

  static async make(name: string, fileSystem: FileSystem = 'ext4'): Promise<Disk> {
    const disk = new Disk(name);
    // What a killed run has left may be mounted still, or be in use by a pod that is going.
    await disk.#unmount();
    const isExt4 = fileSystem === 'ext4';
    const mount =
      clusterKind === 'vm'
        ? `mount ${partitions[fileSystem]} ${disk.directory}`
        : `truncate -s 256M ${disk.directory}.img
           mkfs.${fileSystem} -q ${isExt4 ? '-E lazy_itable_init=0,lazy_journal_init=0' : ''} ${disk.directory}.img
           mount -o loop ${disk.directory}.img ${disk.directory}`;
    await onNodeItself(`mkdir -p ${disk.directory}\n${mount}`);
    return disk;
  }

  /** A claim in the namespace that is bound to this disk, or to a directory of it. */
  async claim(namespace: string, claim: string, directory = ''): Promise<void> {
    const path = `${this.directory}${directory && `/${directory}`}`;
    await onNodeItself(`mkdir -p ${path}`);
    const size = 'storage: 100Mi';
    await apply(
      `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: ${claim}}
spec: {accessModes: [ReadWriteOnce], storageClassName: "", resources: {requests: {${size}}}}
`,
      namespace,
    );
    const { metadata } = await kubectlJson<{ metadata: { uid: string } }>('-n', namespace, 'get', 'pvc', claim);
    const nodes = await kubectlJson<{ items: { metadata: { name: string } }[] }>('get', 'nodes');
    // A volume that names its claim by the uid is bound at once; by the name alone, at the controller's next round.
    await apply(
      `
apiVersion: v1
kind: PersistentVolume
metadata: {name: ${namespace}-${claim}}
spec:
  capacity: {${size}}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  claimRef: {namespace: ${namespace}, name: ${claim}, uid: ${metadata.uid}}
  local: {path: ${path}}
  nodeAffinity: {required: {nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, values: ["${nodes.items[0]?.metadata.name}"]}]}]}}
`,
      namespace,
    );
    this.#claims.push({ namespace, claim });
    await until(`the claim ${claim} is bound`, 20, async () => {
      const phase = await kubectl('-n', namespace, 'get', 'pvc', claim, '-o', 'jsonpath={.status.phase}');
      return phase === 'Bound';
    });
  }

  async space(): Promise<Space> {
    const text = await onNodeItself(`stat -f -c "%f %a %d %S %b" ${this.directory}`);
    const [free = 0, available = 0, inodesFree = 0, blockBytes = 0, blocks = 0] = text.trim().split(' ').map(Number);
    return { free, available, inodesFree, blockBytes, blocks };
  }

  /** A shell script on the node, in the disk's own directory. No single quotes. */
  async run(script: string): Promise<string> {
    return onNodeItself(`cd ${this.directory}; ${script}`);
  }

  /** With the pods of its claims' namespaces, its volumes and its claims. Nothing of it stays on the node. */
  async remove(): Promise<void> {
    for (const namespace of new Set(this.#claims.map((claim) => claim.namespace)))
      await kubectl('-n', namespace, 'delete', 'pods', '--all', '--grace-period=0', '--force');
    for (const { namespace, claim } of this.#claims) {
      await kubectl('-n', namespace, 'delete', 'pvc', claim, '--wait=false');
      await kubectl('delete', 'pv', `${namespace}-${claim}`, '--wait=false');
    }
    await this.#unmount();
  }

  /** The kubelet lets go of a pod's volumes a moment after the pod, and the loop device goes with the last mount. */
  async #unmount(): Promise<void> {
    const image = `${this.directory}.img`;
    await until(`the disk ${this.name} is free`, clusterKind === 'vm' ? 15 : kubeletSeconds, async () => {
      const used = await onNodeItself(`
        cd /
        ! mountpoint -q ${this.directory} || umount ${this.directory}
        if test -e ${image}; then losetup -j ${image}; fi
        grep -F " ${base}/${this.name}" /proc/self/mountinfo || true`);
      return used.trim() === '';
    });
    await onNodeItself(`cd /; rm -f ${image}; rmdir ${this.directory} ${base} 2>/dev/null || true`);
  }
}

/** One disk for all the tests of a file, with these targets (test/cluster/pods/io-*.yaml) on it. Returns a getter, since the disk comes later than the tests' definitions. */
export function withDisk(namespace: string, targets: readonly string[], fileSystem: FileSystem = 'ext4'): () => Disk {
  let disk: Disk;
  beforeAll(async () => {
    disk = await Disk.make(namespace, fileSystem);
    await disk.claim(namespace, 'data');
    // Of its own, since the kubelet gives a volume to one group only.
    if (targets.includes('io-nonroot')) await disk.claim(namespace, 'data-nonroot', 'nonroot');
    await Promise.all(targets.map((target) => startTarget(namespace, target)));
  });
  afterAll(() => disk.remove());
  return () => disk;
}

/** The frame of a file of io faults. */
export function diskSuite(namespace: string, targets: readonly string[], fileSystem?: FileSystem): () => Disk {
  suite(namespace, []);
  return withDisk(namespace, targets, fileSystem);
}

/** The same for a file that may run beside others. */
export function diskSuiteBesideOthers(namespace: string, targets: readonly string[]): () => Disk {
  suiteBesideOthers(namespace, []);
  return withDisk(namespace, targets);
}
