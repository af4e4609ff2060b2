import { mkdirSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { clusterKind, kubectl, repository, startTarget, until } from './support/cluster.ts';
import {
  type Cell,
  chosenCells,
  killers,
  killShimAndGuardian,
  ofTheFault,
  phaseOf,
  points,
  Run,
} from './support/matrix.ts';
import { ourNetworkStates, residue, untilNothingLeft } from './support/node.ts';
import { chaos } from './support/plugin.ts';
import { suite } from './support/suite.ts';

const ns = 'chaos-e2e-kill';
const leaseSeconds = 5;
suite(ns, []);

interface Row extends Cell {
  /** Null: the plugin was killed. */
  exit_code: number | null;
  fault_gone_ms: number;
  plugin_ended_ms: number;
  /** What the plugin could not remove, and `stop --all` did. */
  left: string[];
}
const rows: Row[] = [];
let fresh = false;

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
    `${fault.padEnd(6)} ${killer.padEnd(28)} at ${point.padEnd(20)} exit ${String(exit_code ?? '-').padStart(3)}, ` +
      `fault gone after ${fault_gone_ms} ms, plugin ended after ${plugin_ended_ms} ms` +
      `${left.length > 0 ? `, left to stop: ${left.length}` : ''}\n`,
  );
}

/** Whatever is killed, and whenever: the fault is gone within the lease and two seconds, and what the plugin says is true. */
describe('the kill matrix', () => {
  beforeEach(async () => {
    if (fresh) return;
    await kubectl('-n', ns, 'delete', 'pod', 'busybox', '--ignore-not-found', '--grace-period=0', '--force');
    await startTarget(ns, 'busybox');
    fresh = true;
  });

  it.each(chosenCells(process.env.CHAOS_MATRIX === 'all'))(
    '$fault, $killer at: $point',
    async ({ fault, point, killer: name }) => {
      const killer = killers[name];
      if (!killer) throw new Error(`no killer ${name}`);
      fresh = killer.destroysTarget !== true;
      const run = await Run.start(fault, ns, 'busybox', '--duration', '12s', '--lease', `${leaseSeconds}s`);
      const { plugin } = run;
      try {
        await points[point]?.(run);
        // Held while the victim is looked for, so that the run is where it is said to be.
        plugin.kill('SIGSTOP');
        await killer.act(run);
      } finally {
        plugin.kill('SIGCONT');
      }
      const killedAt = Date.now();
      const since = () => Date.now() - killedAt;
      const codes = killer.codes[phaseOf(point)] ?? [];
      // What is not there yet starts first; and a run that may go on ends by its own time.
      const limit = codes.includes(0) ? 30 : leaseSeconds + 2.5 + (phaseOf(point) === 'before' ? 2 : 0);
      let goneMs = Number.NaN;
      const gone = until('the fault gone', limit, async () => {
        const left = await ofTheFault(fault);
        if (left.length === 0) goneMs = since();
        return left.length === 0;
      });
      // What the plugin says at its end is compared with what is there at that moment, not later.
      const over = plugin.ended.then(async (ended) => ({ ended, endedMs: since(), left: await residue() }));
      const [{ ended, endedMs, left }] = await Promise.all([over, gone]);
      run.close();
      record({
        fault,
        point,
        killer: name,
        exit_code: ended.code,
        fault_gone_ms: goneMs,
        plugin_ended_ms: endedMs,
        left,
      });
      const stopped = await chaos('stop', '--all', '-n', ns);

      if (codes.length === 0) expect(ended.signal).toBe('SIGKILL');
      else expect(codes, plugin.said).toContain(ended.code);
      if (codes.length > 0 && ended.code !== 4)
        expect(left.filter(isMore(point)), `it said that nothing is left\n${plugin.said}`).toEqual([]);
      if (ended.code === 4) expect(plugin.said).toContain('delete pod,configmap');
      expect(stopped.code, stopped.stdout + stopped.stderr).toBe(0);
      await untilNothingLeft(3);
    },
    200_000,
  );

  it('net, shim and guardian -9 at once at: active: nothing on the node can answer that, so it is said, and swept', async () => {
    const run = await Run.start('net', ns, 'busybox', '--duration', '60s', '--lease', `${leaseSeconds}s`);
    await points.active?.(run);
    await killShimAndGuardian();
    const ended = await run.plugin.ended;
    run.close();
    // Its queue's length is on no record any more.
    fresh = false;
    expect(ended.code, run.plugin.said).toBe(4);
    expect(run.plugin.said).toContain('its guardian has not told that the network is as it was');
    expect(await ourNetworkStates(), run.plugin.said).not.toEqual([]);
    await chaos('stop', '--all', '-n', ns);
    const swept = await chaos('sweep', '--all-nodes', '--yes', '-n', ns);
    expect(swept.code, swept.stdout + swept.stderr).toBe(0);
    await untilNothingLeft(3);
  });
});
