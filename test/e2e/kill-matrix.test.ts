import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { clusterKind, repository, until } from './support/cluster.ts';
import { withDisk } from './support/disk.ts';
import {
  type Cell,
  chosenCells,
  type Fault,
  killers,
  killShimAndGuardian,
  ofTheFault,
  phaseOf,
  points,
  Run,
  Targets,
} from './support/matrix.ts';
import { expectOfSeveral, severalKillers } from './support/matrix-several.ts';
import { residue, untilNothingLeft } from './support/node.ts';
import { chaos } from './support/plugin.ts';
import { leavesNothing, scene } from './support/suite.ts';

const ns = 'chaos-e2e-kill';
const leaseSeconds = 5;
const times = (duration: string) => ['--duration', duration, '--lease', `${leaseSeconds}s`];
scene(ns, []);
withDisk(ns, []);
const targets = new Targets(ns);

interface Row extends Cell {
  /** Null: the plugin was killed. */
  exit_code: number | null;
  fault_gone_ms: number;
  plugin_ended_ms: number;
  /** What the plugin could not remove, and `stop` did. */
  left: string[];
}
const rows: Row[] = [];

const allKillers = { ...killers, ...severalKillers };

/** A shim that is not attached to yet has changed nothing and never will; its kubelet ends it a moment after the pod. */
const isMore = (point: string) => (left: string) =>
  !(['pod created', 'container starting'].includes(point) && /^process \d+ nsexec/.test(left));

/** As it comes: a run that is cut off has shown what it knew. */
function record(row: Row): void {
  rows.push(row);
  mkdirSync(`${repository}/build`, { recursive: true });
  writeFileSync(`${repository}/build/kill-matrix-${clusterKind}.json`, `${JSON.stringify(rows, undefined, 2)}\n`);
  const { fault, killer, point, exit_code, fault_gone_ms, plugin_ended_ms, left } = row;
  process.stdout.write(
    `${fault.padEnd(6)} ${killer.padEnd(32)} at ${point.padEnd(20)} exit ${String(exit_code ?? '-').padStart(3)}, ` +
      `fault gone after ${fault_gone_ms} ms, plugin ended after ${plugin_ended_ms} ms` +
      `${left.length > 0 ? `, left to stop: ${left.length}` : ''}\n`,
  );
}

/** Whatever is killed, and whenever: the fault is gone within the lease and two seconds, and what the plugin says is true. */
async function itHolds({ fault, point, killer: name }: Cell): Promise<void> {
  const killer = allKillers[name];
  if (!killer) throw new Error(`no killer ${name}`);
  const pods = await Promise.all(Array.from({ length: killer.targets ?? 1 }, () => targets.take(fault)));
  // Long enough for the kubelet to come back; nothing else needs as long as that to be seen to go on.
  const run = await Run.start(fault, ns, pods, times(name.endsWith('restarted') ? '12s' : '7s'));
  const { plugin } = run;
  try {
    await points[point]?.(run);
    // Held while the victim is looked for, so that the run is where it is said to be.
    plugin.kill('SIGSTOP');
    await run.noteAgents();
    await killer.act(run);
  } finally {
    plugin.kill('SIGCONT');
  }
  const killedAt = Date.now();
  const since = () => Date.now() - killedAt;
  const codes = killer.codes[phaseOf(point)] ?? [];
  // What is not there yet starts first, when the kubelet gets to it; and a run that may go on ends by its own time.
  const limit =
    codes.includes(0) || (killer.goesOn && phaseOf(point) === 'active') || killer.hangs || phaseOf(point) === 'before'
      ? 30
      : leaseSeconds + 2.5;
  let goneMs = Number.NaN;
  const gone = until('the fault gone', limit, async () => {
    const left = await ofTheFault(run);
    if (left.length === 0) goneMs = since();
    return left.length === 0;
  });
  // What the plugin says at its end is compared with what is there at that moment, not later.
  const over = plugin.ended.then(async (ended) => {
    const endedMs = since();
    // Whoever says that nothing is left has asked the API server, which answers then.
    await run.aftermath;
    return { ended, endedMs, left: await residue(run.scope) };
  });
  const [{ ended, endedMs, left }] = await Promise.all([over, gone]);
  run.close();
  record({ fault, point, killer: name, exit_code: ended.code, fault_gone_ms: goneMs, plugin_ended_ms: endedMs, left });
  const isObject = (one: string) => /^(Pod|ConfigMap) /.test(one);
  const stop = () => chaos('stop', run.id, '-n', ns);
  const once = left.some(isObject) ? await stop() : undefined;
  // A kubelet of 1.20 now and then tells nobody for a minute that a container has ended: what is not confirmed is said, and is there for the next one.
  const stopped = once?.code === 4 ? await stop() : once;

  if (codes.length === 0) expect(ended.signal).toBe('SIGKILL');
  else expect(codes, plugin.said).toContain(ended.code);
  if (codes.length > 0 && ended.code !== 4)
    expect(left.filter(isMore(point)), `it said that nothing is left\n${plugin.said}`).toEqual([]);
  if (ended.code === 4) expect(plugin.said).toContain('delete pod,configmap');
  expectOfSeveral(run, name, phaseOf(point));
  // A pod that was on its way out may be gone by now.
  if (stopped && !/there is no experiment/.test(stopped.stderr)) expect(stopped.code, stopped.stderr).toBe(0);
  // A container may be started although its pod has just been deleted by force: its shim ends by its lease at the latest.
  await untilNothingLeft(phaseOf(point) === 'before' ? 30 : 3, run.scope);
  for (const pod of pods) {
    if (killer.destroysTarget) await targets.discard(pod);
    else targets.giveBack(fault, pod);
  }
}

const cells = chosenCells([killers, severalKillers], process.env.CHAOS_MATRIX === 'all');
const isAlone = ({ killer }: Cell) => allKillers[killer]?.alone === true;

describe.concurrent('the kill matrix', () => {
  it.each(cells.filter((cell) => !isAlone(cell)))('$fault, $killer at: $point', itHolds, 200_000);
});

describe('the kill matrix, one at a time', () => {
  leavesNothing();

  it.each(cells.filter(isAlone))('$fault, $killer at: $point', itHolds, 200_000);

  it.each<{ fault: Fault; what: string; flags?: string[]; said: string }>([
    { fault: 'net', what: 'a rate', said: 'the guardian did not confirm that the network was restored' },
    { fault: 'io', what: 'a load', said: 'the guardian did not confirm' },
    {
      fault: 'io',
      what: 'a throttle',
      flags: ['--path', '/data', '--throttle', 'write=1Mi'],
      said: 'the guardian did not confirm',
    },
  ])(
    '$fault ($what), shim and guardian -9 at once at: active: nothing on the node can answer that, so it is said, and swept',
    async ({ fault, flags, said }) => {
      const pod = await targets.take(fault);
      const run = await Run.start(fault, ns, [pod], times('60s'), flags);
      await points.active?.(run);
      await killShimAndGuardian(run);
      const ended = await run.plugin.ended;
      run.close();
      expect(ended.code, run.plugin.said).toBe(4);
      expect(run.plugin.said).toContain(said);
      expect(await ofTheFault(run), run.plugin.said).not.toEqual([]);
      await chaos('stop', '--all', '-n', ns);
      const swept = await chaos('sweep', '--all-nodes', '--yes', '-n', ns);
      expect(swept.code, swept.stdout + swept.stderr).toBe(0);
      // The length of its queue is on no record any more.
      await targets.discard(pod);
    },
  );
});
