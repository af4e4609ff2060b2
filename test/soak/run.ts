/**
 * npm run soak [-- COUNT]: COUNT (200) short experiments one after another in this one process, then 20 at once, on the `host` cluster. Afterwards everything has to be as it was before: prints what was
 * counted, and ends with 1 where something differs.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { systemClock } from '../../src/clock.ts';
import { connect } from '../../src/kubernetes/cluster.ts';
import { main } from '../../src/main.ts';
import { readToolbox } from '../../src/shim/toolbox.ts';
import { bringUpHost, takeDown } from '../support/bring-up.ts';
import { repository } from '../support/counts.ts';

const count = Number(process.argv[2] ?? 200);
const atOnce = 20;
const kubeconfig = await bringUpHost();
const { makeNamespace, removeNamespace, startTarget, until } = await import('../e2e/support/cluster.ts');
const { onNode, residue, startObserver } = await import('../e2e/support/node.ts');
const { chaos } = await import('../e2e/support/plugin.ts');

const ns = 'chaos-soak';
const { version } = JSON.parse(readFileSync(`${repository}package.json`, 'utf8')) as { version: string };
const shim = async (architecture: string) => readFileSync(`${repository}dist/nsexec-${architecture}`);
const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** One experiment as a user has it, but for its words, which are kept for when it fails. */
async function experiment(...args: string[]): Promise<{ code: number; said: string }> {
  let said = '';
  const output = {
    write: (text: string) => {
      said += text;
    },
    isTTY: false,
    columns: undefined,
  };
  const code = await main([...args, '--kubeconfig', kubeconfig, '-n', ns], {
    stdout: output,
    stderr: output,
    env: {},
    homeDirectory: '/nonexistent',
    who: 'soak',
    clock: systemClock,
    signals: { listen: () => () => undefined },
    randomSuffix: () => Array.from({ length: 5 }, () => letters[Math.floor(Math.random() * letters.length)]).join(''),
    version,
    commit: 'unknown',
    nodeVersion: process.version,
    shim,
    toolbox: (name, architecture) => readToolbox(new URL('../../dist/', import.meta.url), name, architecture),
    readText: () => Promise.reject(new Error('no file is named')),
    connect: async (options) => connect(options, { env: {}, homeDirectory: '/nonexistent', shim }),
    examine: () => Promise.reject(new Error('nothing is examined')),
    findNames: () => Promise.reject(new Error('nothing is completed')),
    liveReporter: () => Promise.reject(new Error('nobody watches')),
  });
  return { code, said };
}

interface Counted {
  /** Must be the same before and after. */
  exact: Readonly<Record<string, number>>;
  heapMiB: number;
}

async function lines(script: string): Promise<number> {
  return Number((await onNode(`${script} | wc -l`)).trim());
}

async function countAll(): Promise<Counted> {
  (globalThis as { gc?: () => void }).gc?.();
  return {
    exact: {
      'what is ours, in the cluster and on the node': (await residue()).length,
      // On a hybrid node every pod leaves its own one, empty, in the v2 hierarchy: the kubelet looks after those of v1 alone.
      'cgroups of containers': await lines("find /host/cgroup -type d -path '*kubepods*/pod*/*'"),
      mounts: await lines('cat /proc/$(pidof kubelet)/mounts'),
      'open descriptors of the plugin': readdirSync('/proc/self/fd').length,
    },
    heapMiB: process.memoryUsage().heapUsed / 2 ** 20,
  };
}

async function soak(): Promise<boolean> {
  const faults = [
    ['stress', 'busybox', '--cpu', '1', '--duration', '1s'],
    ['net', 'busybox', '--rate', '1mbit', '--direction', 'both', '--duration', '1s'],
    ['io', 'busybox', '--path', '/tmp', '--fill', '16Mi', '--allow-node-disk', '--duration', '1s'],
  ];
  // The first ones load what is loaded once.
  for (const fault of faults) await experiment(...fault);
  const before = await countAll();
  let unexpected = 0;
  const began = Date.now();
  for (let round = 0; round < count; round++) {
    const { code, said } = await experiment(...(faults[round % faults.length] ?? []));
    // An idle target's network is not slowed by a rate.
    if (code !== 0 && code !== 3) {
      unexpected++;
      process.stdout.write(`exit code ${code}:\n${said}\n`);
    }
  }
  process.stdout.write(`${count} experiments in ${Math.round((Date.now() - began) / 1_000)} s\n`);
  const together = await Promise.all(
    Array.from({ length: atOnce }, () =>
      chaos('stress', 'busybox', '-n', ns, '--cpu', '1', '--cpu-load', '5', '--duration', '5s'),
    ),
  );
  for (const { code, stdout, stderr } of together) {
    if (code === 0 || code === 3) continue;
    unexpected++;
    process.stdout.write(`of ${atOnce} at once, exit code ${code}:\n${stdout}${stderr}\n`);
  }
  let after = await countAll();
  const isAsBefore = async () => {
    after = await countAll();
    return Object.entries(before.exact).every(([name, value]) => after.exact[name] === value);
  };
  // The kubelet takes cgroups away in rounds of its own.
  await until('as before', 120, isAsBefore).catch(() => undefined);
  let same = unexpected === 0;
  for (const [name, value] of Object.entries(before.exact)) {
    const now = after.exact[name];
    same &&= now === value;
    process.stdout.write(`${now === value ? 'same     ' : 'DIFFERENT'}  ${name}: ${value} → ${now}\n`);
  }
  process.stdout.write(
    `           heap of the plugin: ${before.heapMiB.toFixed(1)} → ${after.heapMiB.toFixed(1)} MiB\n`,
  );
  return same;
}

try {
  await startObserver();
  await makeNamespace(ns);
  await startTarget(ns, 'busybox');
  process.exitCode = (await soak()) ? 0 : 1;
} finally {
  await removeNamespace(ns);
  await takeDown('host');
}
