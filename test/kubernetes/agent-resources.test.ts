import { expect, test } from 'vitest';
import { resourcesOf } from '../../src/kubernetes/agent-resources.ts';
import { parseQuantity } from '../../src/units.ts';

const none = { requests: {}, limits: {} };
const quantity = (text: string | undefined) => parseQuantity(text ?? '') ?? Number.NaN;

test.each([
  ['maxLimitRequestRatio', { cpu: 10, memory: 2 }],
  ['a stricter maxLimitRequestRatio', { cpu: 5, memory: 1 }],
])('a LimitRange with %s admits the agent', (_what, most) => {
  const { requests, limits } = resourcesOf(none);
  for (const [name, ratio] of Object.entries(most)) {
    expect(quantity(limits[name]) / quantity(requests[name])).toBeLessThanOrEqual(ratio);
  }
});

test('a LimitRange with min: {cpu: 50m, memory: 64Mi} and max: {cpu: 500m, memory: 128Mi} admits the agent', () => {
  const { requests, limits } = resourcesOf(none);
  expect(quantity(requests.cpu)).toBeGreaterThanOrEqual(quantity('50m'));
  expect(quantity(requests.memory)).toBeGreaterThanOrEqual(quantity('64Mi'));
  expect(quantity(limits.cpu)).toBeLessThanOrEqual(quantity('500m'));
  expect(quantity(limits.memory)).toBeLessThanOrEqual(quantity('128Mi'));
});

test.each([
  ['what is not asked for stays', { requests: { cpu: '50m' }, limits: {} }, ['50m', '128Mi'], ['500m', '128Mi']],
  [
    'a limit below the usual request',
    { requests: {}, limits: { cpu: '50m', memory: '64Mi' } },
    ['50m', '64Mi'],
    ['50m', '64Mi'],
  ],
  [
    'a request above the usual limit',
    { requests: { cpu: '2', memory: '1Gi' }, limits: {} },
    ['2', '1Gi'],
    ['2', '1Gi'],
  ],
  ['both', { requests: { cpu: '1' }, limits: { cpu: '1', memory: '256Mi' } }, ['1', '128Mi'], ['1', '256Mi']],
])('%s', (_what, asked, requests, limits) => {
  expect(resourcesOf(asked)).toEqual({
    requests: { cpu: requests[0], memory: requests[1] },
    limits: { cpu: limits[0], memory: limits[1] },
  });
});

test('a resource that is not usual', () => {
  expect(resourcesOf({ requests: { 'ephemeral-storage': '1Mi' }, limits: {} })).toMatchObject({
    requests: { 'ephemeral-storage': '1Mi' },
    limits: { cpu: '500m' },
  });
});

test('an agent of several targets has memory for the copies of each, and what was asked for is taken as it is', () => {
  for (const part of ['requests', 'limits'] as const) {
    expect(resourcesOf(none, 1)[part].memory).toBe('128Mi');
    expect(resourcesOf(none, 10)[part].memory).toBe('272Mi');
  }
  expect(resourcesOf({ requests: {}, limits: { memory: '64Mi' } }, 10).limits.memory).toBe('64Mi');
});
