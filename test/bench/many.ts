/** One experiment on very many targets beside the same on one, both by the built plugin on a simulated cluster: what they cost the machine of who types the command. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SimulatedCluster } from '../fakes/simulated-cluster.ts';
import { kubeconfigFor } from '../kubernetes/support.ts';
import { repository } from '../support/counts.ts';
import { median, type Row } from './statistics.ts';

const rounds = 3;

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

interface Size {
  targets: number;
  nodes: number;
  /** Of the time to `active` as a ratio to that of one. The tools are 10 MB for each node, which this machine encrypts and decrypts. */
  goal: number;
}

async function rowsOf(how: string, words: readonly string[], sizes: readonly Size[]): Promise<Row[]> {
  const one: Cost[] = [];
  const many = sizes.map((): Cost[] => []);
  for (let round = 0; round < rounds; round++) {
    one.push(await costOf(1, 1, words));
    for (const [index, { targets, nodes }] of sizes.entries()) many[index]?.push(await costOf(targets, nodes, words));
  }
  return sizes.flatMap(({ targets, nodes, goal }, index) => {
    const row = (what: string, unit: Row['unit'], of: (cost: Cost) => number, ratio: number): Row => ({
      what: `${targets} targets on ${nodes} simulated nodes, ${how}: ${what}`,
      ours: median(many[index]?.map(of) ?? []),
      unit,
      rival: { name: 'one target', value: median(one.map(of)) },
      goal: ratio,
    });
    return [
      row('Enter to active', 'ms', ({ activeMs }) => activeMs, goal),
      row('memory of the command', 'bytes', ({ bytes }) => bytes, 2),
    ];
  });
}

const some = { targets: 30, nodes: 3 };
const many = { targets: 100, nodes: 10 };

export async function manyRows(): Promise<Row[]> {
  const named = [
    { ...some, goal: 1.5 },
    { ...many, goal: 2.5 },
  ];
  const sent = [
    { ...some, goal: 2 },
    { ...many, goal: 5 },
  ];
  return [...(await rowsOf('image named', ['--image', 'tools:1'], named)), ...(await rowsOf('tools sent', [], sent))];
}
