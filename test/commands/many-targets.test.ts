import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { KubernetesCluster } from '../../src/kubernetes/cluster.ts';
import { main } from '../../src/main.ts';
import { until } from '../fakes/api-server.ts';
import { commandPorts } from '../fakes/command-ports.ts';
import { asOnTerminal, LiveReporter } from '../fakes/live-reporter.ts';
import { SimulatedCluster } from '../fakes/simulated-cluster.ts';
import { FakeTerminal } from '../fakes/terminal.ts';
import { restFor } from '../kubernetes/support.ts';

/** From the command line, in front of a terminal, to an API server whose nodes have agents that speak the shim's protocol. */
class Run {
  readonly cluster: SimulatedCluster;
  readonly terminal = new FakeTerminal();

  constructor(cluster: SimulatedCluster) {
    this.cluster = cluster;
  }

  async command(line: string): Promise<number> {
    const { cluster, terminal } = this;
    return main(line.split(' '), {
      ...commandPorts('nothing but the API server is asked'),
      ...{ clock: systemClock, randomSuffix: () => '7f3k2', env: { KUBECTL_CHAOS_IMAGE: 'tools:1' } },
      ...{ stdout: terminal, stderr: terminal },
      connect: async () => new KubernetesCluster(restFor(cluster.server), 'shop', async () => Buffer.from('shim')),
      liveReporter: async (verbose, colour) => new LiveReporter(terminal, terminal.stream, { verbose, colour }),
    });
  }

  /** Without what is written about each target. */
  get asked(): Record<string, number> {
    const { 'POST events': _written, ...others } = this.cluster.requests;
    return others;
  }
}

describe('an experiment on 100 targets on 10 nodes', () => {
  let restore: () => void;
  let many: Run;
  /** Of as many nodes with one target each. */
  let few: Run;
  let codes: number[];
  /** While the fault was active. */
  let screen: string[];

  beforeAll(async () => {
    restore = asOnTerminal();
    many = new Run(await SimulatedCluster.start({ targets: 100, nodes: 10 }));
    few = new Run(await SimulatedCluster.start({ targets: 10, nodes: 10 }));
    const runs = [many, few].map((run) => run.command('stress -l app=web --all --cpu 1 --duration 3s'));
    await until('the table is there', () => /\n {2}… \d+ more/.test(many.terminal.text), 40_000);
    screen = many.terminal.screen;
    codes = await Promise.all(runs);
  });
  afterAll(async () => {
    restore();
    await many.cluster.stop();
    await few.cluster.stop();
  });

  test('is effective on all of them, and leaves nothing', () => {
    const said = many.terminal.screen.join('\n');
    expect(codes, said).toEqual([0, 0]);
    expect(said).toMatch(/active after \S+ {3}100 targets on 10 nodes, within /);
    expect(said).toContain('Effective on 100 of 100 targets.');
    expect(said).toContain('nothing left');
    expect(many.cluster.left).toEqual([]);
  });

  test('asks the API server for each node, and not for each target', () => {
    expect(many.asked).toEqual(few.asked);
    expect(many.cluster.attaches).toBe(10);
    expect(many.asked).toEqual({
      'POST selfsubjectrulesreviews': 1,
      'GET pods': 12,
      'GET nodes': 10,
      'GET namespaces': 1,
      'GET poddisruptionbudgets': 1,
      'POST configmaps': 1,
      'POST pods': 10,
      'PATCH configmaps': 1,
      'GET events': 1,
      // Of all agents and their events, of all targets; and of each node, with its pods.
      'WATCH pods': 12,
      'WATCH events': 1,
      'WATCH nodes': 10,
      'GET attach': 10,
      'DELETE pods': 10,
      'DELETE configmaps': 1,
    });
  });

  test('tells of itself where each of them is described', () => {
    const told = many.cluster.audited.map(({ involvedObject, reason }) => `${involvedObject.name} ${reason}`);
    expect(told).toHaveLength(200);
    expect(new Set(told).size).toBe(200);
  });

  test('has a table that fits the screen, and is gone at the end', () => {
    const table = screen.slice(screen.findIndex((line) => line.endsWith('fault active')));
    expect(table[1]).toMatch(/TARGET +CPU/);
    expect(table.length).toBeGreaterThan(30);
    expect(table.length).toBeLessThan(many.terminal.rows);
    expect(many.terminal.screen.join('\n')).not.toContain('fault active');
  });
});

test('a net fault on 20 targets looks at what is around them once, and tries each node once for what its kernel can do', async () => {
  const some = new Run(await SimulatedCluster.start({ targets: 20, nodes: 2 }));
  try {
    const code = await some.command('net -l app=web --all --delay 100ms --to 10.0.0.7 --duration 3s -o json');
    expect(code, some.terminal.text).toBe(0);
    const trials = some.cluster.heard.filter((line) => line.includes(' fresh '));
    expect(trials).toHaveLength(2 * 2);
    expect(some.asked).toMatchObject({ 'GET configmaps': 1, 'GET nodes': 2, 'POST pods': 2, 'WATCH pods': 4 });
    // Where the targets are, what is near them, what else is on each node, and what is left at the end.
    expect(some.asked['GET pods']).toBe(1 + 1 + 2 + 1);
  } finally {
    await some.cluster.stop();
  }
});
