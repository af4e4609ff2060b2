import { describe, expect, test } from 'vitest';
import { judgeRights, wantedRights } from '../../../src/experiment/doctor/rights.ts';
import { each, rights } from '../../../src/rights.ts';

const places = { namespace: 'shop', agentNamespace: 'chaos' };
const wanted = wantedRights(places);

/** Those that are named, as `VERB RESOURCE`, wherever they are asked for. */
const missing = (...names: string[]) => wanted.filter(({ verb, resource }) => names.includes(`${verb} ${resource}`));
const judge = (some: typeof wanted | undefined, change: Partial<Parameters<typeof judgeRights>[1]> = {}) =>
  judgeRights(some, { places, minor: 36, hasImage: false, user: 'ada', ...change });
const told = (findings: ReturnType<typeof judge>) => findings.map(({ state, finding }) => `${state}: ${finding}`);

test('each right is asked for in its place', () => {
  expect(wanted).toHaveLength(each(rights).length);
  const places = Map.groupBy(wanted, ({ place }) => place);
  const of = (place: string) => [
    ...new Set([...places].find(([name]) => name === place)?.[1].map((one) => one.namespace)),
  ];
  expect([of('target'), of('agent'), of('cluster'), of('everywhere')]).toEqual([
    ['shop'],
    ['chaos'],
    [undefined],
    [undefined],
  ]);
});

test('all of them', () => {
  expect(told(judge([]))).toEqual(['ok: all that a run asks for in namespace shop, and for agents in chaos']);
});

test('a server that does not say', () => {
  expect(judge(undefined).map(({ state }) => state)).toEqual(['unknown']);
});

describe('what no run goes without', () => {
  test('is one problem, with the command that gives it there', () => {
    const [first, ...others] = judge(missing('create pods', 'delete configmaps', 'patch configmaps'));
    expect(first).toMatchObject({
      state: 'problem',
      finding: 'you are not allowed to create pods in chaos; delete and patch configmaps in chaos',
      remedy:
        'kubectl chaos rbac --user ada -n shop --agent-namespace chaos | kubectl apply -f -, by somebody who may give rights',
    });
    expect(others).toEqual([]);
  });

  test('for somebody whose name is not known', () => {
    expect(judge(missing('create pods'), { user: undefined })[0]?.remedy).toMatch(
      /^kubectl chaos rbac .* --user NAME \|/,
    );
  });
});

describe('an attach', () => {
  test('by get alone is enough before Kubernetes 1.35', () => {
    const create = missing('create pods/attach');
    expect(judge(create, { minor: 34 }).map(({ state }) => state)).toEqual(['ok']);
    expect(judge(create, { minor: 35 }).map(({ state }) => state)).toEqual(['problem']);
    expect(judge(create, { minor: undefined }).map(({ state }) => state)).toEqual(['problem']);
  });

  test('that is not allowed leaves the log, with an image', () => {
    const none = missing('create pods/attach', 'get pods/attach');
    expect(judge(none)[0]?.state).toBe('problem');
    expect(judge(none, { hasImage: true })[0]).toMatchObject({
      state: 'warning',
      finding: expect.stringContaining('no net fault is possible'),
    });
  });

  test('and no log either: nothing can be heard', () => {
    const findings = judge(missing('create pods/attach', 'get pods/attach', 'get pods/log'), { hasImage: true });
    expect(told(findings)).toEqual([
      'problem: you are not allowed to get and create pods/attach in chaos; get pods/log in chaos',
    ]);
  });

  test('no log alone is a warning', () => {
    expect(told(judge(missing('get pods/log')))).toEqual([
      'warning: you are not allowed to get pods/log in chaos: no --no-attach, and no sweep',
    ]);
  });
});

test('what a run can do without: a warning for each reason, with what happens then', () => {
  const findings = judge(missing('get nodes', 'list endpointslices', 'get services'));
  expect(told(findings)).toEqual([
    'warning: you are not allowed to get services in shop; list endpointslices in shop: addresses have to be named',
    'warning: you are not allowed to get nodes: it is taken for a ready node of amd64',
  ]);
});

test('every namespace takes the role of the whole cluster', () => {
  const everywhere = wanted.filter(({ place }) => place === 'everywhere');
  expect(judge(everywhere)[0]).toMatchObject({
    finding: expect.stringContaining('list and watch pods in every namespace: '),
    remedy: expect.stringMatching(/^kubectl chaos rbac --user ada --agent-namespace chaos \|/),
  });
});
