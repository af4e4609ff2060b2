/** One experiment on very many targets beside the same on one, both by the built plugin on a simulated cluster: what they cost the machine of who types the command. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SimulatedCluster } from '../fakes/simulated-cluster.ts';
import { kubeconfigFor } from '../kubernetes/support.ts';
import { repository } from '../support/counts.ts';
import { median, type Row } from './statistics.ts';

const rounds = 5;

interface Cost {
  activeMs: number;
  /** The most that was resident. */
  bytes: number;
}

/** `words`: beside the target and the duration. */
async function costOf(targets: number, nodes: number, words: readonly string[]): Promise<Cost> {
  const cluster = await SimulatedCluster.start({ targets, nodes });
  const folder = mkdtempSync(join(tmpdir(), 'chaos-bench-'));
  try {
    const kubeconfig = join(folder, 'config');
    writeFileSync(kubeconfig, kubeconfigFor(cluster.server));
    const args = ['stress', '-l', 'app=web', '--all', '--cpu', '1', '--duration', '2s', '-o', 'json', ...words];
    const { KUBECTL_CHAOS_IMAGE: _image, ...env } = process.env;
    const child = spawn(`${repository}dist/kubectl-chaos`, [...args, '--kubeconfig', kubeconfig], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let bytes = 0;
    const looking = setInterval(() => {
      bytes = Math.max(bytes, residentBytes(child.pid));
    }, 50);
    let stdout = '';
    for await (const chunk of child.stdout) stdout += chunk;
    clearInterval(looking);
    const { exit_code, times } = JSON.parse(stdout) as { exit_code: number; times: { active_ms: number } };
    if (exit_code !== 0) throw new Error(stdout);
    return { activeMs: times.active_ms, bytes };
  } finally {
    rmSync(folder, { recursive: true });
    await cluster.stop();
  }
}

/** The most until now; 0: it has ended. */
function residentBytes(pid = 0): number {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kilobytes ?? 0) * 1_024;
  } catch {
    return 0;
  }
}

async function rowsOf(how: string, words: readonly string[]): Promise<Row[]> {
  const [many, one]: [Cost[], Cost[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    many.push(await costOf(100, 10, words));
    one.push(await costOf(1, 1, words));
  }
  const row = (what: string, unit: Row['unit'], of: (cost: Cost) => number, goal: number): Row => ({
    what: `100 targets on 10 simulated nodes, ${how}: ${what}`,
    ours: median(many.map(of)),
    unit,
    rival: { name: 'one target', value: median(one.map(of)) },
    goal,
  });
  return [
    row('Enter to active', 'ms', ({ activeMs }) => activeMs, 1.5),
    row('memory of the command', 'bytes', ({ bytes }) => bytes, 1.5),
  ];
}

export async function manyRows(): Promise<Row[]> {
  return [...(await rowsOf('image named', ['--image', 'tools:1'])), ...(await rowsOf('tools sent', []))];
}
