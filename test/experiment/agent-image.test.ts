import { describe, expect, test } from 'vitest';
import { faultImage, sweepImage } from '../../src/experiment/agent-image.ts';
import type { RunningImage } from '../../src/ports.ts';
import { ioRequest, netRequest, plan, request, target } from '../fakes/samples.ts';

const own = target({ image: 'registry.shop/web:7', imagePullSecrets: ['pull-web'] });
const unnamed = { image: undefined, imagePullSecret: undefined };

describe('the image of a fault', () => {
  test("the target's own by its name, with the target's pull secrets", () => {
    expect(faultImage(unnamed, own, 'shop')).toEqual({
      image: 'registry.shop/web:7',
      imageOf: "the target's own image",
      imagePullSecrets: ['pull-web'],
    });
  });

  test("in another namespace the target's secrets are not there", () => {
    expect(faultImage(unnamed, own, 'chaos').imagePullSecrets).toEqual([]);
    expect(faultImage({ ...unnamed, imagePullSecret: 'key' }, own, 'chaos').imagePullSecrets).toEqual(['key']);
    expect(faultImage({ ...unnamed, imagePullSecret: 'key' }, own, 'shop').imagePullSecrets).toEqual([
      'key',
      'pull-web',
    ]);
  });

  test('one that is named wins, and has only the secret that is named', () => {
    expect(faultImage({ image: 'mine:2', imagePullSecret: undefined }, own, 'shop')).toEqual({
      image: 'mine:2',
      imagePullSecrets: [],
    });
    expect(faultImage({ image: 'mine:2', imagePullSecret: 'key' }, own, 'shop').imagePullSecrets).toEqual(['key']);
  });
});

describe('a plan', () => {
  const fill = ioRequest({ action: { kind: 'fill', amount: { percent: 50 }, leaveBytes: 0 } as never });
  const throttle = ioRequest({ action: { kind: 'throttle', limits: { writeBps: 1 } } as never });

  test.each([
    ['io --fill', fill, false],
    ['io --throttle', throttle, false],
    ['io --mode', ioRequest(), true],
    ['stress', request(), true],
    ['net', netRequest(), true],
  ])(
    "%s: on the target's own image, and sent its tools; on one that is named it has them",
    (_what, asked, hasTools) => {
      const planned = (image?: string) => plan({ ...asked, run: { ...asked.run, image } }, own);
      expect(planned().agent.image).toBe('registry.shop/web:7');
      expect(planned().agent.containers[0]?.args.includes('--toolbox')).toBe(hasTools);
      expect(planned('mine:2').agent.image).toBe('mine:2');
      expect(planned('mine:2').agent.containers[0]?.args).not.toContain('--toolbox');
    },
  );

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
  const where = { namespace: 'tools', node: 'node-3' };

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

  test('one that is named wins', () => {
    expect(sweepImage({ image: 'mine:2', imagePullSecret: 'key' }, { ...where, running: [own] })).toEqual({
      image: 'mine:2',
      imagePullSecrets: ['key'],
    });
    expect(sweepImage({ image: 'mine:2', imagePullSecret: undefined }, { ...where, running: [] }).image).toBe('mine:2');
  });

  test('there is none on a node without containers that may be seen: one is asked for', () => {
    expect(() => sweepImage(unnamed, { ...where, running: [] })).toThrow(
      expect.objectContaining({
        code: 'image',
        message: 'no image for the agent: no running container is to be seen on node node-3',
        hint: expect.stringContaining('--image'),
      }),
    );
  });
});
