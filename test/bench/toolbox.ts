/** What it costs that no image has the tools: from Enter to active with the toolbox beside the same with an image that the node has, straight and through a slow line. */
import { kubeconfig, makeNamespace, removeNamespace, startTarget } from '../e2e/support/cluster.ts';
import { Plugin } from '../e2e/support/plugin.ts';
import { slowServer } from '../e2e/support/slow-server.ts';
import type { SlowLine } from '../fakes/slow-line.ts';
import { toolsImage } from '../support/tools-image.ts';
import { Lines } from './lines.ts';
import { median, type Row } from './statistics.ts';

const ns = 'chaos-bench-toolbox';
const pod = 'busybox';
const faults = {
  stress: ['--cpu', '1'],
  // By a token bucket, which kernels have that are without netem. The node, as the target sees it.
  net: ['--rate', '1gbit', '--to', '10.244.0.1'],
} as const;
type Fault = keyof typeof faults;
/** More than an image, milliseconds. */
const goals: Readonly<Record<Fault, number>> = { stress: 500, net: 100 };

const slow = { bytesPerSecond: 2e6, delayMs: 50 };
const slowWords = 'through 2 MB/s with a round trip of 100 ms';

interface Measured {
  activeMs: number;
  /** Of the archive; 0 with an image. */
  toolboxBytes: number;
}

async function run(fault: Fault, flags: readonly string[]): Promise<Measured> {
  const began = performance.now();
  const asked = [...faults[fault], '--duration', '60s', '--no-cleanup', '-o', 'ndjson'];
  const plugin = new Plugin([fault, pod, '--kubeconfig', kubeconfig, '-n', ns, ...flags, ...asked], {
    env: { KUBECTL_CHAOS_IMAGE: undefined },
  });
  await new Lines(plugin.child).until((line) => line.includes('"kind":"active"'), 120_000);
  const activeMs = performance.now() - began;
  plugin.kill('SIGINT');
  const { stdout } = await plugin.ended;
  const ready = stdout.split('\n').find((line) => line.includes('"ready_ms"'));
  return { activeMs, toolboxBytes: ready ? (JSON.parse(ready) as { bytes: number }).bytes : 0 };
}

/** In turn, so that both meet the same machine. */
async function both(fault: Fault, flags: readonly string[], rounds: number, line?: SlowLine) {
  const times: { toolbox: number[]; image: number[] } = { toolbox: [], image: [] };
  const sent = { toolbox: 0, image: 0 };
  let toolboxBytes = 0;
  for (let round = 0; round < rounds; round++) {
    for (const [by, more] of [
      ['image', ['--image', toolsImage]],
      ['toolbox', []],
    ] as const) {
      const before = line?.sent() ?? 0;
      const measured = await run(fault, [...flags, ...more]);
      times[by].push(measured.activeMs);
      sent[by] = (line?.sent() ?? 0) - before;
      toolboxBytes = Math.max(toolboxBytes, measured.toolboxBytes);
    }
  }
  return {
    toolbox: median(times.toolbox),
    image: median(times.image),
    moreBytes: sent.toolbox - sent.image,
    toolboxBytes,
  };
}

async function rowsOf(fault: Fault, flags: readonly string[], line: SlowLine): Promise<Row[]> {
  const straight = await both(fault, [], 5);
  const narrow = await both(fault, flags, 3, line);
  // In base64, which is a third more.
  const lineMs = (straight.toolboxBytes * 4) / 3 / (slow.bytesPerSecond / 1_000);
  const row = (what: string, { toolbox, image }: typeof straight, goal: number): Row[] => [
    { what: `${what}, Enter to active with the toolbox`, ours: toolbox, unit: 'ms', goal: image + goal },
    { what: `${what}, more than with an image`, ours: toolbox - image, unit: 'ms', goal },
  ];
  return [
    ...row(fault, straight, goals[fault]),
    ...row(`${fault} ${slowWords}`, narrow, goals[fault] + lineMs),
    {
      what: `${fault}: bytes sent for a toolbox of ${straight.toolboxBytes}`,
      ours: narrow.moreBytes,
      unit: 'bytes',
      goal: Math.round(1.4 * straight.toolboxBytes),
    },
  ];
}

export async function toolboxRows(): Promise<Row[]> {
  await makeNamespace(ns);
  const { line, flags } = await slowServer(slow);
  try {
    await startTarget(ns, pod);
    return [...(await rowsOf('stress', flags, line)), ...(await rowsOf('net', flags, line))];
  } finally {
    line.stop();
    await removeNamespace(ns);
  }
}
