/**
 * npm run bench: our times beside those of a named rival, measured in the same run on the `host` cluster. It prints ratios and never fails for one: a slow day of the machine is no defect.
 */
import { spawn, spawnSync } from 'node:child_process';
import { bringUpHost, takeDown } from '../support/bring-up.ts';
import { repository } from '../support/counts.ts';
import { diskRows } from './disk.ts';
import { holdRows } from './hold.ts';
import { lookupRows } from './lookup.ts';
import { manyRows } from './many.ts';
import { median, printRows, type Row } from './statistics.ts';
import { stressRows } from './stress.ts';

const kubeconfig = await bringUpHost();
const { cleanEnv, kubectl, makeNamespace, removeNamespace, startTarget, until } = await import(
  '../e2e/support/cluster.ts'
);
const { containerId } = await import('../e2e/support/node.ts');
const { pluginPath, report, start } = await import('../e2e/support/plugin.ts');
const { loadRow } = await import('./load.ts');
const { toolboxRows } = await import('./toolbox.ts');

const ns = 'chaos-bench';

function timed(program: string, args: readonly string[], input = ''): number {
  const began = performance.now();
  const { status, stderr } = spawnSync(program, args, { input, env: cleanEnv });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr.toString()}`);
  return performance.now() - began;
}

/** Both sides in turn, so that both meet the same machine. */
function alternate(
  times: number,
  ours: () => number,
  rival: () => number,
  of: (values: readonly number[]) => number = median,
): [number, number] {
  const a: number[] = [];
  const b: number[] = [];
  for (let round = 0; round < times; round++) {
    a.push(ours());
    b.push(rival());
  }
  return [of(a), of(b)];
}

/** Of the container's first process. */
function targetPid(id: string): string {
  const facts = spawnSync(`${repository}dist/nsexec-amd64`, ['inspect', '--container', id]).stdout.toString();
  return /"pid":(\d+)/.exec(facts)?.[1] ?? '';
}

function shimRow(pid: string): Row {
  const [ours, rival] = alternate(
    40,
    () =>
      timed(`${repository}dist/nsexec-amd64`, ['run', '--pid', pid, '--lease-ms', '0', '--', '/bin/true'], 'start\n'),
    () => timed('nsenter', ['--target', pid, '--all', '/bin/true']),
  );
  return {
    what: 'shim: everything entered, /bin/true run',
    ours,
    unit: 'ms',
    rival: { name: 'nsenter --all', value: rival },
    goal: 1.2,
  };
}

/** The least of many, since what else the machine does meanwhile only ever adds to it. */
function startRow(what: string, words: readonly string[], rival: readonly string[], goal: number): Row {
  const [ours, theirs] = alternate(
    30,
    () => timed(process.execPath, [pluginPath, ...words]),
    () => timed('kubectl', rival),
    (times) => Math.min(...times),
  );
  return { what, ours, unit: 'ms', rival: { name: `kubectl ${rival[0]} ${rival[1]}`, value: theirs }, goal };
}

function startRows(): Row[] {
  const connection = ['--kubeconfig', kubeconfig];
  return [
    startRow('--help', ['--help'], ['version', '--client'], 1),
    startRow('ls', ['ls', ...connection], ['get', '--raw', '/version', ...connection], 1.5),
  ];
}

/** kubectl run of the cached tools image until the API says Running, by a watch. */
async function kubectlRun(name: string): Promise<number> {
  const began = performance.now();
  const image = 'localhost/kubectl-chaos/test/busybox:1';
  await kubectl('-n', ns, 'run', name, `--image=${image}`, '--image-pull-policy=Never', '--restart=Never');
  const watch = spawn(
    'kubectl',
    ['--kubeconfig', kubeconfig, '-n', ns, 'get', 'pod', name, '-w', '-o', 'jsonpath={.status.phase}{"\\n"}'],
    { env: cleanEnv },
  );
  let seen = '';
  watch.stdout.on('data', (chunk: Buffer) => {
    seen += chunk.toString();
  });
  await until(`${name} is Running`, 30, () => seen.includes('Running'));
  const elapsed = performance.now() - began;
  watch.kill();
  await kubectl('-n', ns, 'delete', 'pod', name, '--grace-period=0', '--force');
  return elapsed;
}

async function experimentRows(): Promise<Row[]> {
  const active: number[] = [];
  const rival: number[] = [];
  const gone: number[] = [];
  const exit: number[] = [];
  let requests = 0;
  for (let round = 0; round < 5; round++) {
    rival.push(await kubectlRun(`rival-${round}`));
    const began = performance.now();
    const plugin = start('stress', 'busybox', '-n', ns, '--cpu', '1', '--duration', '60s', '-o', 'ndjson');
    await until('active', 30, () => plugin.stdout.includes('"kind":"active"'));
    active.push(performance.now() - began);
    await until('a sample', 10, () => plugin.stdout.includes('"kind":"sample"'));
    const stopped = performance.now();
    plugin.kill('SIGINT');
    await until('reverted', 10, () => plugin.stdout.includes('"kind":"reverted"'));
    gone.push(performance.now() - stopped);
    const ended = await plugin.ended;
    exit.push(performance.now() - stopped);
    const last = ended.stdout.trim().split('\n').at(-1) ?? '';
    requests = Object.values(report({ ...ended, stdout: last }).requests).reduce((total, count) => total + count, 0);
  }
  return [
    {
      what: 'Enter to active',
      ours: median(active),
      unit: 'ms',
      rival: { name: 'kubectl run to Running', value: median(rival) },
      goal: 1.25,
    },
    { what: 'Ctrl-C to fault gone', ours: median(gone), unit: 'ms', goal: 300 },
    { what: 'Ctrl-C to exit, everything deleted', ours: median(exit), unit: 'ms', goal: 1_500 },
    { what: 'API requests of a run', ours: requests, unit: 'requests', goal: 15 },
  ];
}

try {
  await makeNamespace(ns);
  await startTarget(ns, 'busybox');
  const id = await containerId(ns, 'busybox');
  const pid = targetPid(id);
  printRows([
    ...[shimRow(pid), ...(await lookupRows(id)), ...startRows()],
    ...[...(await stressRows(pid)), ...(await holdRows()), ...(await diskRows())],
    ...[await loadRow(), ...(await experimentRows()), ...(await toolboxRows()), ...(await manyRows())],
  ]);
} finally {
  await removeNamespace(ns);
  await takeDown('host');
}
