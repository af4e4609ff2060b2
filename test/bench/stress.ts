/** How soon the stressors end with a shim that is killed: by the kernel's hand, as the pid namespace that they are in ends with its init. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { repository } from '../support/counts.ts';
import { event, Lines } from './lines.ts';
import { killedRows, type Row } from './statistics.ts';

const limitMs = 10_000;

/** Of a process that lives: one that is dead has no program any more, although whoever inherited it may take seconds to reap it. */
function namespaceOf(pid: string): string {
  try {
    readlinkSync(`/proc/${pid}/exe`);
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return ''; // It has ended.
  }
}

function membersOf(namespace: string): number {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && namespaceOf(name) === namespace).length;
}

async function untilMembers(namespace: string, wanted: (count: number) => boolean): Promise<void> {
  const end = performance.now() + limitMs;
  while (!wanted(membersOf(namespace))) {
    if (performance.now() > end) throw new Error(`${membersOf(namespace)} stressors after ${limitMs} ms`);
    await setImmediate();
  }
}

/** `pid`: of a running container's first process. */
export async function stressRows(pid: string): Promise<Row[]> {
  const times: number[] = [];
  for (let round = 0; round < 50; round++) {
    const shim = spawn(
      `${repository}dist/nsexec-amd64`,
      ['run', '--pid', pid, '--lease-ms', '0', '--', 'stress-ng', '--cpu', '2', '--timeout', '60s'],
      { stdio: ['pipe', 'pipe', 'ignore'] },
    );
    const exited = once(shim, 'exit');
    shim.stdin.write('start\n');
    const active = await new Lines(shim).until(event('active'));
    const namespace = namespaceOf(/"pid":(\d+)/.exec(active)?.[1] ?? '');
    // The init, stress-ng, and its two workers.
    await untilMembers(namespace, (count) => count >= 4);
    const began = performance.now();
    shim.kill('SIGKILL');
    await untilMembers(namespace, (count) => count === 0);
    times.push(performance.now() - began);
    await exited;
  }
  return killedRows('stress: SIGKILL of the shim to every stressor gone', times);
}
