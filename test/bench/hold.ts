/** The shim's `hold` beside bare tc, in network namespaces made for this: no cluster is needed for it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { applyLine, countLine, undoLine } from '../../src/shim/commands.ts';
import { repository } from '../support/counts.ts';
import { event, Lines } from './lines.ts';
import { killedRows, median, type Row } from './statistics.ts';

const shim = `${repository}dist/nsexec-amd64`;
const device = 'lo';

/** A qdisc as a net fault has it, with a filter for each destination; `handle` as `c4a0:`. */
function batch(handle: string, destinations: number): string {
  const filters = Array.from(
    { length: destinations },
    (_, n) =>
      `filter add dev ${device} parent ${handle} protocol ip pref 10 u32 match ip dst 10.9.${n >> 8}.${n & 255}/32 flowid ${handle}10`,
  );
  return [
    `qdisc add dev ${device} root handle ${handle} htb default 0`,
    `class add dev ${device} parent ${handle} classid ${handle}10 htb rate 1mbit`,
    ...filters,
    '',
  ].join('\n');
}

/** A process that has nothing but a network namespace of its own. */
async function makeTarget(): Promise<ChildProcess> {
  const child = spawn('unshare', ['--net', 'sh', '-c', `ip link set ${device} up; echo up; exec sleep 600`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await new Lines(child).until((line) => line === 'up');
  return child;
}

function inside(target: ChildProcess, args: readonly string[], input = ''): number {
  const began = performance.now();
  const { status, stderr } = spawnSync('nsenter', ['--net', '--target', String(target.pid), 'tc', ...args], { input });
  if (status !== 0) throw new Error(`tc ${args.join(' ')}: ${stderr.toString()}`);
  return performance.now() - began;
}

interface Held {
  child: ChildProcess;
  lines: Lines;
  exited: Promise<unknown>;
  /** From `start` to the qdisc in place. */
  startMs: number;
}

async function hold(target: ChildProcess, handle: string, destinations: number): Promise<Held> {
  const child = spawn(shim, ['hold', '--pid', String(target.pid), '--tool', 'tc'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const exited = once(child, 'exit');
  const lines = new Lines(child);
  await lines.until(event('resolved'));
  const orders = [
    undoLine({ kind: 'qdisc', device, handle }),
    applyLine({ argv: ['tc', '-batch', '-'], input: batch(handle, destinations) }),
    countLine('counters', ['tc', '-s', 'qdisc', 'show', 'dev', device]),
  ];
  const began = performance.now();
  child.stdin?.write(`${[...orders, 'start'].join('\n')}\n`);
  await lines.until(event('active'));
  return { child, lines, exited, startMs: performance.now() - began };
}

async function startAndStop(target: ChildProcess, destinations: number): Promise<Row[]> {
  const handle = 'c4a0:';
  const text = batch(handle, destinations);
  const [startMs, stopMs, bareStart, bareStop]: number[][] = [[], [], [], []];
  for (let round = 0; round < 20; round++) {
    const { child, lines, exited, startMs: ms } = await hold(target, handle, destinations);
    startMs?.push(ms);
    const began = performance.now();
    child.stdin?.write('stop\n');
    await lines.until(event('ended'));
    stopMs?.push(performance.now() - began);
    await exited;
    bareStart?.push(inside(target, ['-batch', '-'], text));
    bareStop?.push(inside(target, ['qdisc', 'del', 'dev', device, 'root']));
  }
  const what = `${destinations} destination${destinations === 1 ? '' : 's'}`;
  const row = (name: string, ours: number[] = [], rival: number[] = []): Row => ({
    what: `net: ${name}, ${what}`,
    ours: median(ours),
    unit: 'ms',
    rival: { name: 'bare tc', value: median(rival) },
    goal: 3,
  });
  return [row('start to the qdisc in place', startMs, bareStart), row('stop to gone', stopMs, bareStop)];
}

/** What nobody could stop any more: the guardian undoes it. */
async function killed(target: ChildProcess): Promise<Row[]> {
  const monitor = spawn('nsenter', ['--net', '--target', String(target.pid), 'tc', 'monitor'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const changes = new Lines(monitor);
  const times: number[] = [];
  for (let round = 0; round < 50; round++) {
    // Each has its own: the guardian of the one before looks twice.
    const handle = `${(0xc400 + round).toString(16)}:`;
    const { child, exited } = await hold(target, handle, 1);
    const began = performance.now();
    child.kill('SIGKILL');
    await changes.until((line) => line.startsWith(`deleted qdisc htb ${handle}`));
    times.push(performance.now() - began);
    await exited;
  }
  monitor.kill();
  return killedRows('net: SIGKILL of the shim to gone', times);
}

export async function holdRows(): Promise<Row[]> {
  const target = await makeTarget();
  try {
    return [...(await startAndStop(target, 1)), ...(await startAndStop(target, 500)), ...(await killed(target))];
  } finally {
    target.kill('SIGKILL');
  }
}
