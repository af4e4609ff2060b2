import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Plan, planExperiment } from '../../src/experiment/plan.ts';
import { type PlanRecord, readPlans, writePlans } from '../../src/experiment/plan-record.ts';
import type { NetRequest } from '../../src/faults/net/types.ts';
import type { Request } from '../../src/requests.ts';
import {
  ioRequest,
  netRequest,
  plan,
  recordedTarget,
  request,
  requestFor,
  surroundings,
  target,
  volumes,
} from '../fakes/samples.ts';
import { ioRequest as ioFlags } from '../faults/io/support/fault.ts';

const written = (one: Plan) => writePlans({ targets: [one], of: 1 });
/** The one target of a record. */
const readOne = (text: string) => {
  const record = readPlans(text);
  if (record) expect({ targets: record.targets.length, of: record.of }).toEqual({ targets: 1, of: 1 });
  return record?.targets[0];
};
const again = (asked: Request) => readOne(written(plan(asked)));

/** A record with one field of it replaced. */
function changed(path: string, value: unknown, asked: Request = request()): string {
  const record = JSON.parse(written(plan(asked)));
  const [first = ''] = path.split('.');
  const names = [...(['target', 'fault', 'summary'].includes(first) ? ['targets', '0'] : []), ...path.split('.')];
  const last = names.pop() ?? '';
  const owner = names.reduce((object, name) => object[name], record);
  owner[last] = value;
  return JSON.stringify(record);
}

describe('a recorded plan', () => {
  test('of a stress is read back', () => {
    const asked = request({ memory: { percent: 50 }, processes: 3, oomVictim: 'app' });
    const { fault, summary, durationMs, graceMs } = plan(asked);
    expect(again(asked)).toEqual({
      target: recordedTarget(),
      fault,
      summary,
      durationMs,
      graceMs,
      detached: true,
      leaseMs: 0,
    });
  });

  test('holds no arguments of the user, but that there were some', () => {
    const asked = requestFor({ stressNgArgs: ['--exec-method', 'secret'] });
    const [{ summary: _, ...rest }] = JSON.parse(written(plan(asked))).targets;
    expect(JSON.stringify(rest)).not.toContain('secret');
    expect(again(asked)?.fault).toMatchObject({ fault: 'stress', stressNgArgs: ['…'] });
    expect(again(requestFor({ stressNgArgs: ['--a', 'b\nc'] }))?.summary).toBe('stress-ng --a b c');
  });

  const shapings: ReadonlyArray<NonNullable<NetRequest['shaping']>> = [
    { delay: { ms: 100, jitterMs: 20, correlationPercent: 25, distribution: 'pareto' }, reorder: { percent: 5 } },
    { loss: { percent: 2, correlationPercent: 25 }, corruptPercent: 1, duplicatePercent: 0.5 },
    { loss: { model: ['gemodel', '1%', '10%'] } },
    { rate: { bitsPerSecond: 1e6, burstBytes: 32_768 } },
  ];
  test.each(shapings)('of a net fault is read back: %j', (shaping) => {
    expect(again(netRequest({ shaping }))).toMatchObject({
      target: recordedTarget(),
      fault: { fault: 'net', shaping, direction: 'egress', ports: [{ from: 5432, to: 5432 }] },
    });
  });

  test('of a partition is read back with the names of its peers', () => {
    const { shaping: _, ...rest } = netRequest().fault;
    const asked = { ...netRequest(), fault: { ...rest, block: 'drop' as const, protocol: 'tcp' as const } };
    expect(again(asked)?.fault).toMatchObject({
      ...{ block: 'drop', protocol: 'tcp' },
      surroundings: { to: [{ query: { text: '10.0.0.7' } }], podContainers: ['app'] },
    });
  });

  test.each([
    '--mode mixed --workers 2 --size 512Mi --block-size 4Ki --allow-node-disk',
    '--mode metadata',
    '--fill 95.5% --fill-inodes 10k --leave 0',
    '--fill 2Gi',
    '--fill-inodes 90%',
    '--throttle write=1Mi,read-iops=5',
  ])('of an io fault is read back: %s', (flags) => {
    const asked = ioRequest(ioFlags(flags, '/data/mit Leerzeichen und Ümlaut'), { runAs: 'root' });
    const { fault, summary, durationMs, graceMs } = plan(asked);
    expect(fault).toMatchObject({ fault: 'io', directory: '.kubectl-chaos-7f3k2-aaaaaaaa', asRoot: true });
    expect(again(asked)).toEqual({
      target: recordedTarget(),
      fault,
      summary,
      durationMs,
      graceMs,
      detached: true,
      leaseMs: 0,
    });
  });

  test('of an io fault says of the volumes only which one the path is in, and of that no more than fits', () => {
    const [root, claim] = volumes();
    if (!root || !claim) throw new Error('no volumes');
    const path = `/${'ä'.repeat(2_000)}`;
    const hostPath = { ...claim, kind: 'hostPath', detail: `/x\n${'y'.repeat(2_000)}`, mountPath: path };
    const text = written(
      planExperiment(ioRequest({ path }), target(), {
        ...{ id: 'chaos-7f3k2', who: 'ada', now: new Date() },
        surveyed: { volume: hostPath, volumes: [root, hostPath] },
      }),
    );
    expect(readOne(text)?.fault).toMatchObject({ path, surroundings: { volume: { kind: 'hostPath' } } });
    expect(readOne(text)?.fault).not.toHaveProperty('surroundings.volumes');
  });

  test('is small however many peers there are', () => {
    const many = Array.from({ length: 3_000 }, (_, index) => {
      const text = `${'a'.repeat(240)}${index}`;
      return { query: { kind: 'host' as const, text, name: text }, cidrs: [] };
    });
    const text = written(
      planExperiment(netRequest(), target(), {
        ...{ id: 'chaos-7f3k2', who: 'ada', now: new Date() },
        surveyed: surroundings({ to: many, from: many }),
      }),
    );
    expect(text.length).toBeLessThan(32 * 1024);
    expect(readOne(text)).toBeDefined();
  });
});

describe('the record of an agent with several targets', () => {
  const several = (names: readonly (string | undefined)[], of: number) =>
    writePlans({
      targets: names.map((name, index) => ({
        ...plan(request({}, { detached: true }), target({ pod: `web-${index}` })),
        ...(name === undefined ? {} : { name }),
      })) as unknown as PlanRecord['targets'],
      of,
    });

  test('says of each what it is, by the name of its shim, and how many there are on all agents', () => {
    const read = readPlans(several(['target-0', 'target-2'], 3));
    expect(read?.of).toBe(3);
    expect(read?.targets.map(({ name, target: { pod }, leaseMs }) => [name, pod, leaseMs])).toEqual([
      ['target-0', 'web-0', 0],
      ['target-2', 'web-1', 0],
    ]);
    expect(readPlans(several(['target-1'], 3))?.targets).toHaveLength(1);
  });

  test.each([
    ['two of one name', ['target-0', 'target-0'], 3],
    ['one without a name', ['target-0', undefined], 3],
    ['more than there are', ['target-0', 'target-1', 'target-2'], 2],
    ['the only one with a name', ['target-0'], 1],
    ['one of several without a name', [undefined], 2],
    ['a name that is none', ['../x'], 2],
    ['two without a name, which are all', [undefined, undefined], 1],
    ['more than an agent has', Array.from({ length: 129 }, (_, index) => `target-${index}`), 200],
  ])('is none of ours with %s', (_what, names, of) => {
    expect(readPlans(several(names, of))).toBeUndefined();
  });

  test('holds as many as an agent has', () => {
    const names = Array.from({ length: 128 }, (_, index) => `target-${index}`);
    const text = several(names, 128);
    expect(text.length).toBeLessThan(128 * 1024);
    expect(readPlans(text)?.targets).toHaveLength(128);
  });
});

describe('what is not a plan of ours', () => {
  const net = netRequest();
  const load = ioRequest();
  const throttle = ioRequest({ action: { kind: 'throttle', limits: { writeBytesPerSecond: 4_096 } } });
  test.each<[path: string, value: unknown, asked?: Request]>([
    ['version', 1],
    ['version', 3],
    ['detached', false],
    ['targets', []],
    ['targets', null],
    ['targets.1', {}],
    ['more', 1],
    ['summary', 7],
    ['summary', 'x'.repeat(513)],
    ['summary', 'a\u009b2J'],
    ['durationMs', -1],
    ['durationMs', '60000'],
    ['durationMs', 1e12],
    ['graceMs', 0.5],
    ['target.namespace', '../kube-system'],
    ['target.pod', 'a/b'],
    ['target.pod', 'a?watch=1'],
    ['target.pod', ''],
    ['target.container', 'App'],
    ['target.podUid', 'a,b=c'],
    ['target.containerId', '../x'],
    ['target.architecture', 's390x'],
    ['target.cpuLimitCores', '1'],
    ['target.assumed', ['x']],
    ['target', null],
    ['target', []],
    ['fault', {}],
    ['fault.fault', 'io'],
    ['fault.cpu', { workers: 1 }],
    ['fault.cpu', []],
    ['fault.oomVictim', 'me'],
    ['fault.__proto__x', 1],
    ['fault.direction', 'sideways', net],
    ['fault.ports', [{ from: 0, to: 1 }], net],
    ['fault.ports', {}, net],
    ['fault.to', ['x'.repeat(513)], net],
    ['fault.to', ['\u001b[2J'], net],
    ['fault.to', Array.from({ length: 17 }, () => 'x'), net],
    ['fault.shaping', { delay: { ms: '1' } }, net],
    ['fault.shaping', { loss: { model: [1] } }, net],
    ['fault.podContainers', ['\u001b[2J'], net],
    ['fault.path', 'data', load],
    ['fault.path', '/a\nb', load],
    ['fault.path', `/${'a'.repeat(4_096)}`, load],
    ['fault.directory', '/data', load],
    ['fault.directory', '.kubectl-chaos-../../x', load],
    ['fault.asRoot', false, load],
    ['fault.allowNodeDisk', 'yes', load],
    ['fault.surroundings', {}, load],
    ['fault.volume', undefined, load],
    ['fault.volume.kind', '\u001b[2J', load],
    ['fault.volume.readOnly', 0, load],
    ['fault.action', {}, load],
    ['fault.action.kind', 'fill', load],
    ['fault.action.mode', 'append', load],
    ['fault.action.workers', '4', load],
    ['fault.action.sizeBytes', -1, load],
    ['fault.action.limits', { writeBytesPerSecond: 'x' }, throttle],
    ['fault.action.limits', { bytes: 1 }, throttle],
    ['fault.action', { kind: 'fill', leaveBytes: 0, space: { bytes: 1, percent: 2 } }, load],
    ['fault.action', { kind: 'fill', leaveBytes: 0, space: { percent: 101 } }, load],
  ])('%s: %j', (path, value, asked) => {
    expect(readOne(changed(path, value, asked))).toBeUndefined();
  });

  test.each(['', '{', 'null', '[]', '7', '"x"', '{}', ' '.repeat(70_000)])('%j', (text) => {
    expect(readOne(text)).toBeUndefined();
  });

  test('whatever it is, it is no reason to fail', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(readOne(text)).toBeUndefined();
      }),
    );
  });
});
