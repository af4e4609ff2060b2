import { describe, expect, test } from 'vitest';
import { faultImage, sweepImage } from '../../src/experiment/agent-image.ts';
import type { RunningImage } from '../../src/ports.ts';
import { ioRequest, netRequest, plan, request, target } from '../fakes/samples.ts';

const own = target({ image: 'registry.shop/web:7', imagePullSecrets: ['pull-web'] });
const unnamed = { image: undefined, imagePullSecret: undefined };
const at = { target: own, needsTools: false, namespace: 'shop', builtFor: 'tools:1' };

describe('the image of a fault without tools', () => {
  test("the target's own by its name, with the target's pull secrets", () => {
    expect(faultImage(unnamed, at)).toEqual({
      image: 'registry.shop/web:7',
      imageOf: "the target's own image",
      imagePullSecrets: ['pull-web'],
    });
  });

  test("in another namespace the target's secrets are not there", () => {
    expect(faultImage(unnamed, { ...at, namespace: 'chaos' }).imagePullSecrets).toEqual([]);
    expect(faultImage({ ...unnamed, imagePullSecret: 'key' }, { ...at, namespace: 'chaos' }).imagePullSecrets).toEqual([
      'key',
    ]);
    expect(faultImage({ ...unnamed, imagePullSecret: 'key' }, at).imagePullSecrets).toEqual(['key', 'pull-web']);
  });

  test('one that is named wins, and has only the secret that is named', () => {
    expect(faultImage({ image: 'mine:2', imagePullSecret: undefined }, at)).toEqual({
      image: 'mine:2',
      imagePullSecrets: [],
    });
    expect(faultImage({ image: 'mine:2', imagePullSecret: 'key' }, at).imagePullSecrets).toEqual(['key']);
  });

  test("a target whose image is not known: this build's", () => {
    expect(faultImage(unnamed, { ...at, target: target() })).toEqual({ image: 'tools:1', imagePullSecrets: [] });
  });
});

test('a fault that needs tools has the image that brings them', () => {
  expect(faultImage(unnamed, { ...at, needsTools: true })).toEqual({ image: 'tools:1', imagePullSecrets: [] });
});

describe('a plan', () => {
  const fill = ioRequest({ action: { kind: 'fill', amount: { percent: 50 }, leaveBytes: 0 } as never });
  const throttle = ioRequest({ action: { kind: 'throttle', limits: { writeBps: 1 } } as never });

  test.each([
    ['io --fill', fill, 'registry.shop/web:7'],
    ['io --throttle', throttle, 'registry.shop/web:7'],
    ['io --mode', ioRequest(), 'tools:1'],
    ['stress', request(), 'tools:1'],
    ['net', netRequest(), 'tools:1'],
  ])('%s', (_what, asked, image) => {
    expect(plan(asked, own).agent.image).toBe(image);
  });

  test("has the node's uid, and not in the record of a detached one", () => {
    const { agent } = plan(request({}, { detached: true }), { ...own, nodeUid: 'uid-node-3' });
    expect(agent.nodeUid).toBe('uid-node-3');
    expect(agent.annotations['kubectl-chaos.io/plan']).not.toMatch(/uid-node-3|pull-web|registry\.shop/);
  });
});

describe('the image of a sweep', () => {
  const one = (namespace: string, image: string, ...imagePullSecrets: string[]): RunningImage => ({
    ...{ image, namespace, pod: `${image}-pod`, imagePullSecrets },
  });
  const ofSystem = one('kube-system', 'registry.k8s.io/kube-proxy:v1.36.2');
  const withSecret = one('bank', 'registry.bank/db:1', 'pull-db');
  const open = one('web', 'nginx:1.29');
  const own = one('tools', 'registry.tools/x:1', 'pull-x');
  const where = { namespace: 'tools', builtFor: 'tools:1' };

  test.each([
    ["one in the agent's namespace, with its secrets", [ofSystem, withSecret, open, own], own, ['pull-x']],
    ['one that needs no secrets', [ofSystem, withSecret, open], open, []],
    ['one whose secrets are elsewhere', [ofSystem, withSecret], withSecret, []],
    ["one of the cluster's own pods", [ofSystem], ofSystem, []],
  ])('%s', (_what, running, expected, imagePullSecrets) => {
    expect(sweepImage(unnamed, { ...where, running })).toEqual({
      image: expected.image,
      imageOf: `the image of pod ${expected.namespace}/${expected.pod}`,
      imagePullSecrets,
    });
  });

  test("one that is named wins; a node without containers that may be seen has this build's", () => {
    expect(sweepImage({ image: 'mine:2', imagePullSecret: 'key' }, { ...where, running: [own] })).toEqual({
      image: 'mine:2',
      imagePullSecrets: ['key'],
    });
    expect(sweepImage(unnamed, { ...where, running: [] })).toEqual({ image: 'tools:1', imagePullSecrets: [] });
  });
});
