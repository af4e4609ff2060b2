import { describe, expect, test } from 'vitest';
import type { IoMeasurement } from '../../../src/faults/io/types.ts';
import { type IoSample, liveRow, proofRows } from '../../../src/faults/io/view.ts';
import { kindOf } from '../../../src/faults/registry.ts';
import type { Request } from '../../../src/requests.ts';
import { renderPlan } from '../../../src/terminal/dry-run.ts';
import { DocumentReporter } from '../../../src/terminal/json.ts';
import { PlainReporter } from '../../../src/terminal/plain.ts';
import { proofTable } from '../../../src/terminal/table.ts';
import { active } from '../../../src/terminal/words.ts';
import { BufferOutput } from '../../fakes/output.ts';
import { GiB, ioRequest, MiB, pathEvent, pathFacts, plan, resolved, sample, target } from '../../fakes/samples.ts';
import { wireLine } from '../../fakes/wire.ts';
import { ioRun } from '../../terminal/events.ts';
import { liveTable } from '../../terminal/live-table.ts';

function fact(change: Partial<IoSample> = {}): IoSample {
  return {
    target: target(),
    previous: sample(9, 0, { ioReadBytes: 0, ioWriteBytes: 100 * MiB }),
    sample: sample(11, 0, { ioReadBytes: 4_096, ioWriteBytes: 524 * MiB }),
    pathBefore: pathEvent(0),
    path: pathEvent(11, { writeUs: 48_400, availableBytes: 7 * GiB, freeBytes: 7.5 * GiB }),
    ...change,
  };
}

/** As it is shown with 38 seconds left. */
const liveIoTable = (of: IoSample) =>
  liveTable({
    kind: 'sample',
    target: of.target,
    live: liveRow(of),
    leftMs: 38_400,
    document: { kind: 'io-sample' },
  }) ?? [];

const ioProofTable = (of: IoMeasurement) => proofTable(proofRows(of));

const cells = (line = '') => line.trim().split(/\s{2,}/);

describe('the live table of an io fault', () => {
  test('has what is read and written, the latency before and now, and what is free', () => {
    expect(liveIoTable(fact())).toEqual([
      '  TARGET                READ    WRITTEN   SYNCED WRITE before → now   FREE                           left',
      '  pod/web-7d4b9 (app)   2Ki/s   212Mi/s   2ms → 48ms                  7Gi of 9.5Gi, 655,000 inodes   38s',
    ]);
  });

  test.each<[what: string, change: Partial<IoSample>, column: number, cell: string]>([
    ['a kernel without the counters', { sample: sample(11) }, 2, '-'],
    ['a counter that was not there before', { previous: sample(9) }, 2, '-'],
    ['samples at the same time', { previous: sample(11) }, 2, '-'],
    ['a counter that was set back', { previous: sample(9, 0, { ioWriteBytes: GiB }) }, 2, '0 bytes/s'],
    ['a probe that only looked', { pathBefore: pathEvent(0, { writeUs: undefined as never }) }, 3, '- → 48ms'],
    ['a probe that failed', { path: pathEvent(11, { problem: 'no space left' }) }, 3, '2ms → failed'],
    [
      'a user who may use what is reserved',
      { facts: pathFacts({ mayUseReserved: true }), path: pathEvent(11) },
      4,
      '8.5Gi of 10Gi, 655,000 inodes',
    ],
    [
      'a file system that counts no inodes',
      { path: pathEvent(11, { inodes: 0, inodesAvailable: 0 }) },
      4,
      '8Gi of 9.5Gi',
    ],
  ])('knows %s', (_what, change, column, cell) => {
    expect(cells(liveIoTable(fact(change))[1])[column]).toBe(cell);
  });

  test('knows a path that has not been looked at yet', () => {
    const { path: _path, pathBefore: _before, ...rest } = fact();
    expect(cells(liveIoTable(rest)[1]).slice(3, 5)).toEqual(['- → -', '-']);
  });
});

describe('the table of the proof', () => {
  const measured: IoMeasurement = {
    ...{ seconds: 10, readBytes: 0, readOps: 0, writtenBytes: 2_120 * MiB, writtenOps: 12_040 },
    ...{ diskReadBytes: 40_960, diskWrittenBytes: 2_200 * MiB, diskWrittenOps: 20_000 },
    ...{ writeUsBefore: 2_000, writeUsDuring: 48_400, readUsDuring: 900 },
    ...{ availableBytesBefore: 8 * GiB, availableBytesDuring: 7 * GiB, availableBytesAfter: 8 * GiB },
    ...{ inodesFreeBefore: 655_000, inodesFreeDuring: 154_000, inodesFreeAfter: 655_000, pressure: 0.62 },
  };

  test('has each of what was measured', () => {
    expect(ioProofTable(measured).map(cells)).toEqual([
      ['before', 'during', 'after'],
      ['read', '-', '0 bytes (0 bytes/s, 0 operations/s)', '-'],
      ['written', '-', '2.1Gi (212Mi/s, 1,204 operations/s)', '-'],
      ['disk: read', '-', '40Ki (4Ki/s)', '-'],
      ['disk: written', '-', '2.1Gi (220Mi/s, 2,000 operations/s)', '-'],
      ['synced write', '2ms', '48ms', '-'],
      ['read of a block', '-', '0.9ms', '-'],
      ['free', '8Gi', '7Gi', '8Gi'],
      ['free inodes', '655,000', '154,000', '655,000'],
      ['I/O pressure', '-', '62% of the time', '-'],
    ]);
  });

  test('leaves out what nothing was measured for', () => {
    const little = { seconds: 10, availableBytesBefore: GiB, availableBytesDuring: GiB };
    expect(ioProofTable(little).map(cells).slice(1)).toEqual([['free', '1Gi', '1Gi', '-']]);
  });
});

test('the line of the mount obeys nothing that a target has called it', () => {
  const stderr = new BufferOutput();
  const lines = ['mount    /da\u001b[2Jta is ext4\u0007\nok: reverted'];
  const found = { kind: 'announced', target: target(), lines, notes: [], document: { kind: 'io-found' } } as const;
  new PlainReporter(new BufferOutput(), stderr, false).report(found);
  expect(stderr.text).toBe('mount    /data is ext4 ok: reverted\n');
});

test('where a fault is active: of a limit the disk, on v1 the hierarchy that has it', () => {
  const cgroups = [
    { hierarchy: 'cpu,cpuacct', version: 1, path: '/cpu', joined: true },
    { hierarchy: 'blkio', version: 1, path: '/disk', joined: true },
  ] as const;
  const found = resolved(undefined, { cgroupMode: 'v1', cgroups: [...cgroups], path: pathFacts() });
  const event = { event: 'active', atMs: 1, pid: 1, entered: 1, of: 1, elapsedMs: 3 } as const;
  const said = (asked: Request) => {
    const { fault } = plan(asked);
    const where = kindOf(fault).where(fault, target(), found, event);
    return active({ kind: 'active', target: target(), active: event, where, activeMs: 1_300 });
  };
  expect(said(ioRequest({ action: { kind: 'throttle', limits: { readOpsPerSecond: 50 } } }))).toBe(
    'active after 1.3s   pod/web-7d4b9 (app) on node-3   cgroup v1 /disk   disk sdb',
  );
  expect(said(ioRequest())).toMatch(/1 of 1 namespaces$/);
});

test('the plan of a dry run says which volume the path is in', () => {
  expect(JSON.parse(renderPlan([plan(ioRequest())], [], 'json'))).toMatchObject({
    targets: [{ path: '/data', volume: { kind: 'persistentVolumeClaim', detail: 'data-web-0' } }],
  });
});

const apiVersion = 'kubectl-chaos.io/v1';
const reference = { namespace: 'shop', pod: 'web-7d4b9', container: 'app' };

describe('an io run', () => {
  test('off a terminal: which disk before it starts, and what it did', async () => {
    const stdout = new BufferOutput();
    const stderr = new BufferOutput();
    const reporter = new PlainReporter(stdout, stderr, false);
    for (const each of await ioRun()) reporter.report(each);
    expect(stdout.text).toMatchSnapshot('stdout');
    expect(stderr.text).toMatchSnapshot('stderr');
  });

  test('as JSON: the path, the probes, and the numbers of the verdict', async () => {
    const stdout = new BufferOutput();
    const reporter = new DocumentReporter(stdout, 'ndjson');
    for (const each of await ioRun()) reporter.report(each);
    const documents = stdout.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const of = (kind: string) => documents.filter((document) => document.kind === kind);
    expect(of('io-found')).toEqual([
      {
        apiVersion,
        target: reference,
        ...{ kind: 'io-found', line: expect.stringContaining('ext4'), path: JSON.parse(wireLine(pathFacts())) },
        volume: {
          kind: 'persistentVolumeClaim',
          name: 'data',
          detail: 'data-web-0',
          mount_path: '/data',
          read_only: false,
        },
      },
    ]);
    expect(of('io-sample').at(-1)).toMatchObject({
      left_ms: 0,
      sample: { io_write_bytes: expect.any(Number) },
      path: { write_us: 48_000, available_bytes: 7 * GiB },
    });
    expect(of('outcome')[0]).toMatchObject({
      targets: [
        { verdict: { io: { write_us_before: 2_000, write_us_during: 48_000, available_bytes_after: 8 * GiB } } },
      ],
    });
  });
});
