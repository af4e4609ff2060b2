/** How long the shim takes to find a container, and that it does not matter what else runs on its node. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { repository } from '../support/counts.ts';
import { Lines } from './lines.ts';
import { median, type Row } from './statistics.ts';

const shim = `${repository}dist/nsexec-amd64`;
const few = 100;
const many = 2_000;

/** So many idle processes more, in a pid namespace of their own: they end with it. */
async function makeCrowd(count: number): Promise<ChildProcess> {
  const script = `for ((i = 0; i < ${count}; i++)); do sleep 600 & done; echo up; wait`;
  const child = spawn('unshare', ['--pid', '--fork', '--kill-child', 'bash', '-c', script], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await new Lines(child).until((line) => line === 'up', 60_000);
  return child;
}

function timed(program: string, args: readonly string[]): number {
  const began = performance.now();
  const { status, stderr } = spawnSync(program, args);
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr.toString()}`);
  return performance.now() - began;
}

interface Times {
  ours: number;
  grep: number;
}

/** In turn, so that both meet the same machine. A process that ends meanwhile is none of grep's failures: only its output counts. */
async function among(count: number, id: string): Promise<Times> {
  const crowd = await makeCrowd(count);
  const ours: number[] = [];
  const grep: number[] = [];
  try {
    for (let round = 0; round < 15; round++) {
      ours.push(timed(shim, ['inspect', '--container', id]));
      grep.push(timed('sh', ['-c', `test -n "$(grep -l ${id} /proc/[0-9]*/cgroup 2>/dev/null)"`]));
    }
  } finally {
    const exited = once(crowd, 'exit');
    crowd.kill('SIGKILL');
    await exited;
  }
  return { ours: median(ours), grep: median(grep) };
}

export async function lookupRows(id: string): Promise<Row[]> {
  const small = await among(few, id);
  const large = await among(many, id);
  return [
    {
      what: `shim: inspect of a container among ${many} processes more`,
      ours: large.ours,
      unit: 'ms',
      rival: { name: 'grep -l ID /proc/*/cgroup', value: large.grep },
      goal: 1,
    },
    {
      what: `shim: inspect of a container among ${many} processes more`,
      ours: large.ours,
      unit: 'ms',
      rival: { name: `the same among ${few}`, value: small.ours },
      goal: 1.3,
    },
  ];
}
