/** Our stressor in the pod beside the same stress-ng by hand, in the same cgroup and path: by what the disk sees of either. */
import { parseAllDocuments } from 'yaml';
import { makeNamespace, removeNamespace, startTarget, until } from '../e2e/support/cluster.ts';
import { Disk } from '../e2e/support/disk.ts';
import { startIo, trafficDuring } from '../e2e/support/io.ts';
import { containerId, onNode, ourProcesses, splitProcesses, startObserver } from '../e2e/support/node.ts';
import { chaos } from '../e2e/support/plugin.ts';
import { median, type Row } from './statistics.ts';

const ns = 'chaos-bench-load';
const pod = 'io-distroless';
const flags = ['--path', '/data', '--mode', 'write', '--size', '64Mi'];
const rounds = 7;
const secondsOfEach = 3;

/** What the agent runs, out of the plan. */
async function workload(): Promise<string> {
  const { stdout } = await chaos('io', pod, '-n', ns, ...flags, '--dry-run', '-o', 'yaml');
  const objects = parseAllDocuments(stdout).map((document) => document.toJS() as { kind?: string });
  const agent = objects.find(({ kind }) => kind === 'Pod') as
    | { spec: { containers: { args: string[] }[] } }
    | undefined;
  const words = agent?.spec.containers[0]?.args ?? [];
  return words.slice(words.indexOf('--') + 1).join(' ');
}

/** Milliseconds for a GiB, while it goes on. */
async function perGiB(disk: Disk): Promise<number> {
  const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  await pause(0.5);
  const began = performance.now();
  const { traffic } = await trafficDuring(disk, () => pause(secondsOfEach));
  return ((performance.now() - began) * 2 ** 30) / traffic.writtenBytes;
}

async function byPlugin(disk: Disk): Promise<number> {
  const plugin = await startIo(ns, pod, ...flags);
  const measured = await perGiB(disk);
  plugin.kill('SIGINT');
  await plugin.ended;
  return measured;
}

async function byHand(disk: Disk, command: string): Promise<number> {
  const id = await containerId(ns, pod);
  const { own } = await splitProcesses(id);
  const running = onNode(`
    for group in $(find /host/cgroup -type d -name ${id}); do echo $$ >$group/cgroup.procs; done
    mkdir -p /proc/${own[0]?.pid}/root/data/by-hand; cd /proc/${own[0]?.pid}/root/data/by-hand
    timeout ${secondsOfEach + 2} ${command} 2>/dev/null; cd ..; rm -r by-hand`);
  await until('it runs', 10, async () => (await ourProcesses()).length > 0);
  const measured = await perGiB(disk);
  await running;
  return measured;
}

export async function loadRow(): Promise<Row> {
  await startObserver();
  await makeNamespace(ns);
  const disk = await Disk.make(ns);
  try {
    await disk.claim(ns, 'data');
    await startTarget(ns, pod);
    const command = await workload();
    const [ours, rival]: number[][] = [[], []];
    for (let round = 0; round < rounds; round++) {
      ours?.push(await byPlugin(disk));
      rival?.push(await byHand(disk, command));
    }
    return {
      what: 'io: a GiB written by our stressor in the pod',
      ours: median(ours ?? []),
      unit: 'ms',
      rival: { name: 'the same stress-ng by hand', value: median(rival ?? []) },
      goal: 1.03,
    };
  } finally {
    await disk.remove();
    await removeNamespace(ns);
  }
}
