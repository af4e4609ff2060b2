import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cautions, describePause, planPause } from '../../../src/faults/pause/plan.ts';
import { record } from '../../../src/faults/pause/record.ts';
import type { Probe } from '../../../src/faults/pause/types.ts';
import { kindOf } from '../../../src/faults/registry.ts';
import { plan, request, target } from '../../fakes/samples.ts';

const times = { periodSeconds: 10, timeoutSeconds: 1, failureThreshold: 3 };
const http = { container: 'app', kind: 'liveness', by: 'http', port: 8080, path: '/healthz', ...times } as const;
const network = (...probes: Probe[]) => ({
  probes: probes.flatMap((probe) => (probe.by === 'exec' ? [] : [probe])),
  execProbes: probes.flatMap((probe) => (probe.by === 'exec' ? [probe] : [])),
});
const planned = (probe: Probe, seconds: number, change: object = {}) =>
  planPause({ fault: 'pause', ...change }, target(), network(probe), 1_000 * seconds);

describe('a probe that restarts the container before the pause is over', () => {
  test('refuses it, and says how long it may be', () => {
    expect(() => planned(http, 31)).toThrow(
      expect.objectContaining({
        code: 'target-unsuitable',
        message:
          'the liveness probe of container app (http :8080/healthz, every 10s, 3 failures) fails while the container stands still: the kubelet will restart container app after about 30s, before the pause is over',
        hint: 'Use --duration 20s at most, or --allow-restart if that is what is to be seen.',
      }),
    );
    expect(() => planned({ ...http, failureThreshold: 1 }, 11)).toThrow(
      expect.objectContaining({ hint: 'Use --allow-restart if that is what is to be seen.' }),
    );
    expect(() => planned({ ...http, isFinal: true }, 31)).toThrow(
      /will end container app after about 30s, which is not started again/,
    );
  });

  test('is said where the user allows it', () => {
    const fault = planned(http, 31, { allowRestart: true });
    expect(cautions(fault)).toEqual([
      'the liveness probe of container app (http :8080/healthz, every 10s, 3 failures) fails while the target stands still: the kubelet will restart container app after about 30s',
    ]);
  });

  test.each([
    ['the time may not be long enough', http, 25, {}],
    ['the kernel accepts connections', { ...http, by: 'tcp' }, 60, {}],
    [
      'the runtime may refuse a command, which does not count',
      { container: 'app', kind: 'liveness', by: 'exec', ...times },
      60,
      {},
    ],
    ['another process may answer', http, 60, { match: '*worker*' }],
  ] as const)('may come where %s', (_why, probe, seconds, change) => {
    expect(cautions(planned(probe, seconds, change))).toEqual([
      expect.stringMatching(/ may fail while .*the kubelet may restart container app after about 30s$/),
    ]);
  });

  test.each([
    ['the pause is over before', http, 20],
    ['it is of another container', { ...http, container: 'sidecar' }, 600],
  ] as const)('is none where %s', (_why, probe, seconds) => {
    expect(cautions(planned(probe, seconds))).toEqual([]);
  });

  test('a readiness probe restarts nothing', () => {
    expect(cautions(planned({ ...http, kind: 'readiness' }, 600))).toEqual([
      'the readiness probe of container app (http :8080/healthz, every 10s, 3 failures) fails while the target stands still: the pod will be taken out of its services after about 30s',
    ]);
  });
});

test('what the shim is told', () => {
  const run = { durationMs: 20_000, graceMs: 2_000, runAs: 'target', strict: false } as const;
  const of = (change: object) =>
    kindOf({ fault: 'pause' }).shimCommand({ fault: 'pause', atRisk: [], ...change } as never, run);
  expect(of({})).toEqual({ command: 'hold', options: ['--freeze'], workload: [] });
  expect(of({ match: '*worker*' })).toEqual({
    command: 'hold',
    options: ['--stop', '--match', '*worker*'],
    workload: [],
  });
});

test('the summary', () => {
  expect(describePause({ fault: 'pause' })).toBe('pause of the whole container');
  expect(describePause({ fault: 'pause', match: 'nginx: worker*' })).toBe('pause of the processes "nginx: worker*"');
  expect(plan({ ...request(), fault: { fault: 'pause' } }).summary).toContain('pause of the whole container');
});

describe('the record', () => {
  test('has all that is asked, and not what has been said of probes', () => {
    const fault = planned(http, 31, { allowRestart: true, match: 'nginx' });
    expect(record.write(fault)).toEqual({ fault: 'pause', allowRestart: true, match: 'nginx' });
    expect(record.read(record.write(fault))).toEqual({ ...fault, atRisk: [] });
  });

  test('is read as a stranger writes it', () => {
    for (const wrong of [
      undefined,
      {},
      { fault: 'net' },
      { fault: 'pause', match: 1 },
      { fault: 'pause', match: '' },
      { fault: 'pause', match: '\u001b[2J' },
      { fault: 'pause', atRisk: [] },
      { fault: 'pause', allowRestart: false },
    ]) {
      expect(record.read(wrong)).toBeUndefined();
    }
    fc.assert(
      fc.property(
        fc.jsonValue(),
        (value) => record.read({ fault: 'pause', match: value }) === undefined || typeof value === 'string',
      ),
    );
  });
});
