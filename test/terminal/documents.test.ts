import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ChaosError } from '../../src/errors.ts';
import type { RunEvent } from '../../src/experiment/events.ts';
import type { Impact } from '../../src/experiment/impact.ts';
import type { Plan } from '../../src/experiment/plan.ts';
import type { SweepReport } from '../../src/experiment/sweep.ts';
import { renderPlan } from '../../src/terminal/dry-run.ts';
import { listDocument, stopDocument } from '../../src/terminal/experiments.ts';
import { DocumentReporter, errorDocument } from '../../src/terminal/json.ts';
import { sweepDocument } from '../../src/terminal/sweep.ts';
import { versionDocument } from '../../src/terminal/version.ts';
import { BufferOutput } from '../fakes/output.ts';
import { detachedExperiment, ioRequest, netRequest, plan, request, selection, target } from '../fakes/samples.ts';
import { toolbox } from '../fakes/toolbox-shim.ts';
import { faultsOf } from '../support/documents.ts';
import { schemaFiles } from '../support/json-schema.ts';
import {
  badRun,
  detachedRun,
  effectiveRun,
  harmfulRun,
  ioRun,
  netRun,
  sentRun,
  unwatchedRun,
  watchedRun,
} from './events.ts';

const someImpact: Impact = {
  ...{ pods: 2, containers: 2, nodes: 1 },
  workloads: [{ name: 'deployment/web', hit: 2, ready: 3, readyLeft: 1 }],
  brokenBudgets: [{ name: 'web', healthyLeft: 1, needed: 2 }],
  unknown: ['x'],
};

/** Each line of text as a document. */
function lines(text: string): Record<string, unknown>[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('what is printed is as its schema says', () => {
  test.each<[what: string, run: () => Promise<RunEvent[]>]>([
    ['a stress', effectiveRun],
    ['one that ends badly', badRun],
    ['one that harms a neighbour', harmfulRun],
    ['one whose tools are sent', sentRun],
    ['a net fault', netRun],
    ['an io fault', ioRun],
    ['a detached one', detachedRun],
    ['one that is watched', () => watchedRun()],
    ['one that is watched and left', () => watchedRun(true)],
    ['one that nobody watched', unwatchedRun],
  ])('each event of %s', async (_what, run) => {
    const stdout = new BufferOutput();
    const reporter = new DocumentReporter(stdout, 'ndjson');
    for (const event of await run()) reporter.report(event);
    for (const document of lines(stdout.text)) expect(faultsOf(document)).toEqual([]);
  });

  test('a target with all that is known of it and its node', () => {
    const stdout = new BufferOutput();
    const known = { image: 'registry.shop/web:7', imagePullSecrets: ['pull-web'], nodeUid: 'uid-node-3' };
    new DocumentReporter(stdout, 'ndjson').report({ kind: 'selected', target: target(known) });
    const [document] = lines(stdout.text);
    expect(document).toMatchObject({ target: { image: 'registry.shop/web:7', node_uid: 'uid-node-3' } });
    expect(faultsOf(document ?? {})).toEqual([]);
  });

  test('what is left out, what depends on the targets, and what was chosen', () => {
    const stdout = new BufferOutput();
    const reporter = new DocumentReporter(stdout, 'ndjson');
    const [skipped, impact] = [[{ pod: 'web-2', why: 'no' }], someImpact];
    const asked = { ...selection({ kind: 'deployment', name: 'web' }), seed: 'x' };
    const where = { cluster: { server: 'https://cluster.test:6443' }, namespace: 'shop' };
    reporter.report({ kind: 'selecting', selection: { ...asked, take: { percent: 50 } }, ...where });
    reporter.report({
      kind: 'selecting',
      selection: { ...asked, from: { labels: 'a=b' }, take: { count: 2 } },
      ...where,
    });
    const chosenFrom = { workload: 'deployment/web', runningPods: 3, seed: 'x' };
    reporter.report({ kind: 'selected', target: target({ chosenFrom }) });
    reporter.report({ kind: 'skipped', skipped });
    reporter.report({ kind: 'impact', impact });
    const documents = lines(stdout.text);
    expect(documents.flatMap(faultsOf)).toEqual([]);
    expect(documents).toMatchObject([
      { selection: { targets: ['deployment/web'], take: { percent: 50 }, seed: 'x' } },
      { selection: { selector: 'a=b', take: { count: 2 } } },
      { target: { chosen_from: { workload: 'deployment/web', running_pods: 3, seed: 'x' } } },
      { skipped },
      { impact: { workloads: [{ ready_left: 1 }], broken_budgets: [{ healthy_left: 1 }], unknown: ['x'] } },
    ]);
    expect(documents[1]?.selection).not.toHaveProperty('targets');
  });

  test('the plan of a dry run for several targets', () => {
    const scope = { seed: 'x', skipped: [{ pod: 'web-2', why: 'no' }], impact: someImpact };
    const planned: Plan = { ...plan(), scope };
    const [document = {}] = lines(renderPlan([planned, planned], [], 'ndjson'));
    expect(faultsOf(document)).toEqual([]);
    expect(document).toMatchObject({
      targets: [{ fault: plan().summary }, { fault: plan().summary }],
      selection: { seed: 'x', skipped: [{ pod: 'web-2' }] },
      impact: { pods: 2 },
      // Of the agent, and of its shims.
      commands: [[], [], []].map(() => expect.arrayContaining(['nsexec'])),
    });
  });

  const unattached = request({}, { noAttach: true });
  test.each([request(), netRequest(), ioRequest(), unattached])('the plan of a dry run', (asked) => {
    const objects = [{ kind: 'Pod', metadata: {} }];
    expect(lines(renderPlan([plan(asked)], objects, 'ndjson')).flatMap(faultsOf)).toEqual([]);
  });

  test('the plan of a dry run without an attach: both agents, and that the second is not all known yet', () => {
    const [{ commands, lease, note } = {}] = lines(renderPlan([plan(unattached)], [], 'ndjson'));
    expect(commands).toEqual([
      expect.not.arrayContaining(['--order']),
      expect.arrayContaining(['--lease-ms', '0', '--order', 'start']),
    ]);
    expect(lease).toBe('none (--no-attach)');
    expect(note).toContain('what the first finds may add');
  });

  test('the plan of a dry run that would send tools', () => {
    const tools = { ...toolbox(4_000_000), names: 'stress-ng' };
    const [document = {}] = lines(renderPlan([{ ...plan(), tools }], [], 'ndjson'));
    expect(faultsOf(document)).toEqual([]);
    expect(document).toMatchObject({ sent: { tools: 'stress-ng', bytes: 4_000_000, unpacked_bytes: 12_000_000 } });
    expect(renderPlan([{ ...plan(), tools }], [], 'human')).toContain('sent:\n  tools: stress-ng\n  bytes: 4000000\n');
  });

  const now = new Date();
  const experiment = detachedExperiment(now);
  const stoppedTargets = [
    { namespace: 'shop', pod: 'web-0', container: 'app', reverted: true },
    { namespace: 'shop', pod: 'web-1', container: 'app', reverted: false, why: 'read-only' },
  ];
  const stopped = {
    ...{ experiment, targets: stoppedTargets, gone: false, left: ['pod/chaos-7f3k2-0'] },
    ...{ why: 'silence', undo: 'kubectl delete' },
  };

  test('ls, stop and an error', () => {
    const error = new ChaosError('image', 'no such image', { hint: 'name another' });
    for (const text of [
      listDocument({ found: [experiment], unseen: ['configmaps'] }, 'ndjson'),
      stopDocument([stopped, { ...stopped, gone: true, left: [], why: '' }], 'ndjson'),
      errorDocument(error, 'ndjson'),
    ])
      expect(lines(text).flatMap(faultsOf)).toEqual([]);
  });

  test('sweep', () => {
    const found = { pid: 7, cgroup: '/a', what: 'qdisc', name: 'eth0', inUse: false, removed: true } as const;
    const report: SweepReport = {
      nodes: [
        {
          node: 'node-1',
          swept: { namespaces: 1, found: 1, inUse: 0, removed: 1, left: 0, unseen: 0 },
          residue: [{ ...found, netns: 4, handle: 'c4a0:', pod: 'shop/web' }],
        },
        { node: 'node-2', residue: [], problem: 'no architecture', kept: 'pod/x' },
      ],
      objects: [experiment, { ...experiment, id: 'chaos-aaaaa' }],
      removed: [stopped],
      unseen: [],
      exitCode: 4,
    };
    expect(lines(sweepDocument(report, 'ndjson')).flatMap(faultsOf)).toEqual([]);
  });

  test('version, with a shim and without one', () => {
    const shims = [{ architecture: 'amd64', sha256: 'ab' } as const, { architecture: 'arm64' } as const];
    const build = { version: '1.2.3', commit: 'unknown', nodeVersion: 'v22.19.0', shims };
    expect(lines(versionDocument(build, 'ndjson')).flatMap(faultsOf)).toEqual([]);
  });

  test('and nothing else is', () => {
    const apiVersion = 'kubectl-chaos.io/v1';
    expect(faultsOf({ apiVersion, kind: 'removing' })).toEqual([]);
    expect(faultsOf({ apiVersion, kind: 'removing', more: 1 })).not.toEqual([]);
    expect(faultsOf({ kind: 'removing' })).not.toEqual([]);
    expect(faultsOf({ apiVersion, kind: 'outcome', id: 'chaos-7f3k2' })).not.toEqual([]);
  });
});

test('the JSON Schemas are those of the documents: npm run schemas', () => {
  const folder = new URL('../../src/terminal/schemas/', import.meta.url);
  const files = schemaFiles();
  expect(readdirSync(folder).sort()).toEqual([...files.keys()].sort());
  for (const [name, text] of files) expect(readFileSync(new URL(name, folder), 'utf8'), name).toBe(text);
});

test('the page about them names every kind of event', () => {
  const root = new URL('../../src/', import.meta.url);
  const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
  const ofRun = [...read('terminal/schemas/event.json').matchAll(/"kind": \{\s*"const": "([a-z-]+)"/g)];
  const sources = readdirSync(new URL('faults/', root), { recursive: true, encoding: 'utf8' });
  const ofFaults = sources
    .filter((path) => path.endsWith('.ts'))
    .flatMap((path) => [...read(`faults/${path}`).matchAll(/document(?:: | = )\{\s*kind: '([a-z-]+)'/g)]);
  const kinds = [...ofRun, ...ofFaults].map(([, kind = '']) => kind);
  expect(kinds).toEqual(expect.arrayContaining(['removed', 'io-found', 'kill-sample', 'sample']));
  const page = read('terminal/README.md');
  expect(kinds.filter((kind) => !page.includes(`\`${kind}\``))).toEqual([]);
});
