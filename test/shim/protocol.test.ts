import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  endOfTarget,
  endReasons,
  type IoLimits,
  type LastWord,
  messageOfWord,
  parseAgentLine,
  parseShimEvent,
  parseTerminationMessage,
} from '../../src/shim/protocol.ts';
import {
  active,
  answer,
  ended,
  lastWords,
  pathEvent,
  pathFacts,
  resolved,
  reverted,
  sampleEvent,
  shimError,
  toolsEvent,
} from '../fakes/samples.ts';
import { wireLine } from '../fakes/wire.ts';

const events = {
  resolved: resolved(),
  active: active(),
  sample: sampleEvent(1),
  path: pathEvent(1, { readUs: 300, problem: 'the write failed' }),
  warning: { event: 'warning', atMs: 1, code: 'stdin', message: 'a line was too long' },
  output: { event: 'output', atMs: 1, text: '{"event":"reverted"}\n' },
  answer: answer({ id: 'links', stdout: '[]' }),
  tools: toolsEvent({ unpackMs: 40, problem: 'its SHA-256 is another' }),
  ended: ended({ oomKills: 2 }),
  reverted: reverted({ by: 'guardian', differs: ['qdisc'] }),
  error: shimError(),
} as const;

const required: Readonly<Record<keyof typeof events, readonly string[]>> = {
  resolved:
    'atMs version kernel pid comm cgroupMode cgroupView cgroups unmounted namespaces uid gid frozen sample'.split(' '),
  active: ['atMs', 'pid', 'entered', 'of', 'elapsedMs'],
  sample: ['atMs', 'elapsedUs'],
  path: 'atMs elapsedUs sizeBytes freeBytes availableBytes inodes inodesFree inodesAvailable'.split(' '),
  warning: ['atMs', 'code', 'message'],
  output: ['atMs', 'text'],
  answer: ['atMs', 'id', 'exitCode', 'stdout', 'stderr', 'truncated', 'elapsedUs'],
  tools: ['atMs', 'name', 'sha256', 'bytes', 'offset', 'ready'],
  ended: ['atMs', 'reason', 'exitCode', 'signal', 'forced', 'runMs'],
  reverted: ['atMs', 'elapsedMs', 'left'],
  error: ['atMs', 'code', 'message', 'state'],
};

describe('parseShimEvent', () => {
  for (const [name, event] of Object.entries(events)) {
    test(`reads ${name}`, () => {
      expect(parseShimEvent(wireLine(event))).toEqual(event);
    });

    for (const field of required[name as keyof typeof events]) {
      test(`${name} without a good ${field} is no event`, () => {
        const { [field]: _gone, ...without } = event as Record<string, unknown>;
        expect(parseShimEvent(wireLine(without))).toBeUndefined();
        expect(parseShimEvent(wireLine({ ...event, [field]: null }))).toBeUndefined();
        const wrong = typeof Reflect.get(event, field) === 'string' ? 7 : 'seven';
        expect(parseShimEvent(wireLine({ ...event, [field]: wrong }))).toBeUndefined();
      });
    }
  }

  test.each([
    '',
    ' ',
    '{',
    '[]',
    '[1]',
    'null',
    'true',
    '7',
    '"sample"',
    '{}',
    '{"event":7,"at_ms":1}',
    '{"event":"sample"}',
    '{"event":"start","at_ms":1}',
    '{"event":["sample"],"at_ms":1,"elapsed_us":1}',
    wireLine(active()).slice(0, -1),
    `${wireLine(active())}x`,
  ])('%j is no event', (line) => {
    expect(parseShimEvent(line)).toBeUndefined();
  });

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'])(
    'an event called %s is none',
    (name) => {
      expect(parseShimEvent(`{"event":${JSON.stringify(name)},"at_ms":1}`)).toBeUndefined();
    },
  );

  test('a __proto__ key pollutes nothing', () => {
    const line = wireLine(active()).replace(
      '{',
      '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},',
    );
    const event = parseShimEvent(line);
    expect(event?.event).toBe('active');
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
    expect(Object.getPrototypeOf(event)).toBe(Object.prototype);
  });

  test('required fields are the event’s own, never inherited from a __proto__ key', () => {
    expect(parseShimEvent('{"event":"reverted","at_ms":1,"__proto__":{"elapsed_ms":1,"left":0}}')).toBeUndefined();
  });

  test.each<[what: string, event: object]>([
    ['an unmounted that is no list', { ...events.resolved, unmounted: {} }],
    ['an unmounted of numbers', { ...events.resolved, unmounted: [7] }],
    ['a place that is null', { ...events.resolved, cgroups: [null] }],
    ['a place without a path', { ...events.resolved, cgroups: [{ hierarchy: '', version: 2, joined: true }] }],
    ['a namespace without an inode', { ...events.resolved, namespaces: [{ name: 'mnt', own: true }] }],
    ['a sample with a text in it', { ...events.sample, cpuUsageUs: '1' }],
    ['a first sample with a text in it', { ...events.resolved, sample: { elapsedUs: 1, pidsCurrent: null } }],
    ['a list of CPUs that is none', { ...events.sample, cpusetList: 2 }],
    ['limits that are no list', { ...events.path, ioLimits: {} }],
    ['limits without a cgroup', { ...events.path, ioLimits: [{ own: true }] }],
    ['limits of a path that are none', { ...events.resolved, path: pathFacts({ ioLimits: [{} as IoLimits] }) }],
    ['a first sample without a time', { ...events.resolved, sample: {} }],
    ['a first sample that is a list', { ...events.resolved, sample: [] }],
    ['a revert by nobody known', { ...events.reverted, by: 'chance' }],
    ['a probe with a text for a time', { ...events.path, writeUs: '2000' }],
    ['a probe whose read took nothing known', { ...events.path, readUs: null }],
    ['a problem that is no text', { ...events.path, problem: 7 }],
    ['a path that is a text', { ...events.resolved, path: '/data' }],
    ['a path that is null', { ...events.resolved, path: null }],
    ['differences that are no list', { ...events.reverted, differs: 'qdisc' }],
    ['half a byte of a toolbox', { ...events.tools, offset: 0.5 }],
    ['less than nothing of a toolbox', { ...events.tools, offset: -1 }],
    ['a toolbox of more bytes than there are', { ...events.tools, bytes: 2 ** 53 }],
    ['a toolbox that is ready by a text', { ...events.tools, ready: 'true' }],
    ['an end for a reason that there is not', { ...events.ended, reason: 'boredom' }],
  ])('%s makes it no event', (_what, event) => {
    expect(parseShimEvent(wireLine(event))).toBeUndefined();
  });

  test('a resolved with a path is one, and a probe that only looked at the space', () => {
    const found = resolved(undefined, { path: pathFacts() });
    expect(parseShimEvent(wireLine(found))).toEqual(found);
    const { writeUs: _none, ...looked } = pathEvent(1);
    expect(parseShimEvent(wireLine(looked))).toEqual(looked);
  });

  test('a sample names its CPUs, and a path its limits', () => {
    const none = { readBytesPerS: -1, writeBytesPerS: -1, readOpsPerS: -1, writeOpsPerS: -1 };
    const limits = [{ cgroup: '/kubepods/pod', own: false, ...none, writeBytesPerS: 10_485_760 }];
    for (const event of [
      sampleEvent(1, 0, { cpusetCpus: 2, cpusetList: '2-3' }),
      resolved(undefined, { path: pathFacts({ ioLimits: limits }) }),
      pathEvent(1, { ioLimits: limits }),
    ]) {
      expect(parseShimEvent(wireLine(event))).toEqual(event);
    }
  });

  test.each(Object.keys(pathFacts()))('a path without a good %s makes resolved none', (field) => {
    const { [field]: value, ...rest } = { ...pathFacts() } as Record<string, unknown>;
    const wrong = typeof value === 'string' ? 7 : 'seven';
    for (const path of [rest, { ...rest, [field]: wrong }, { ...rest, [field]: null }]) {
      expect(parseShimEvent(wireLine({ ...events.resolved, path }))).toBeUndefined();
    }
  });

  test('a revert by a shim that compares nothing is one', () => {
    expect(parseShimEvent(wireLine(reverted()))).toEqual(reverted());
  });

  test('knows every reason of the contract', () => {
    for (const reason of endReasons) expect(parseShimEvent(wireLine(ended({ reason })))).toBeDefined();
  });

  test('never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
        parseShimEvent(line);
      }),
    );
  });

  test('a cut line is no event', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values(events)),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (event, share) => {
          const line = wireLine(event);
          expect(parseShimEvent(line.slice(0, Math.floor(line.length * share)))).toBeUndefined();
        },
      ),
    );
  });
});

describe('parseTerminationMessage', () => {
  test('reads every event and passes over what is none', () => {
    expect(parseTerminationMessage(`${lastWords(ended(), reverted())}\n`)).toEqual([ended(), reverted()]);
    expect(parseTerminationMessage(`stress-ng: oops\n${lastWords(shimError())}`)).toEqual([shimError()]);
    expect(parseTerminationMessage('')).toEqual([]);
  });

  test('never throws', () => {
    fc.assert(
      fc.property(fc.string(), (message) => {
        parseTerminationMessage(message);
      }),
    );
  });
});

describe('a line of an agent', () => {
  test('of one of its shims is told by the name alone, which is its first member, and read by whom it is for', () => {
    const line = wireLine({ target: 'web-0', ...ended() });
    expect(parseAgentLine(line)).toEqual({ target: 'web-0' });
    expect(parseShimEvent(line)).toEqual(ended());
  });

  test('of its own is read', () => {
    const gone = { event: 'gone', name: 'web-0', exitCode: 137, signal: 9, end: 'reverted' } as const;
    expect(parseAgentLine(wireLine({ ...gone, forced: true }))).toEqual({ event: gone });
    expect(
      parseAgentLine(wireLine({ event: 'agent', targets: [{ name: 'a', state: 'gone', end: 'unknown' }] })),
    ).toEqual({ event: { event: 'agent', targets: [{ name: 'a', state: 'gone', end: 'unknown' }] } });
  });

  test.each([
    ['what is left of one', '","at_ms":1}'],
    ['what is left of one of a shim', 'target":"web-0","event":"ended"}'],
    ['one with another name than a shim can have', '{"target":"Web","event":"ended"}'],
    ['nothing', ''],
  ])('that is %s is neither', (_what, line) => {
    expect(parseAgentLine(line)).toBeUndefined();
  });
});

test('the last word of an agent is read as that of a shim', () => {
  const { event: _event, atMs: _atMs, ...how } = ended({ reason: 'killed', signal: 9, oomKills: 1 });
  const read = (word: LastWord) => parseTerminationMessage(messageOfWord(word));
  expect(read({ target: 'a', end: 'reverted', ended: how })).toMatchObject([
    ended({ reason: 'killed', signal: 9, oomKills: 1, atMs: 0 }),
    { event: 'reverted', left: 0 },
  ]);
  expect(read({ target: 'a', end: 'unchanged', code: 'kernel', message: 'too old' })).toMatchObject([
    { event: 'error', code: 'kernel', message: 'too old', state: 'unchanged' },
  ]);
  expect(read({ target: 'a', end: 'unknown' })).toEqual([]);
});

describe('the termination message of an agent', () => {
  const over = (targets: number, unknown: number) =>
    JSON.stringify({ event: 'over', reason: 'over', targets, unknown, unchanged: 0, reverted: targets - unknown });
  const failed = { target: 'b', end: 'unknown', code: 'undo', message: 'read-only' } as const;

  test.each([
    ['its word', [over(2, 1), JSON.stringify(failed), '{"target":"a","end":"reverted"}'], 'b', failed],
    [
      'well, when there was no room for it',
      [over(2, 1), JSON.stringify(failed)],
      'a',
      { target: 'a', end: 'reverted' },
    ],
    ['nothing, when not all have their word', [over(2, 2), JSON.stringify(failed)], 'a', undefined],
    [
      'unchanged, when it was not begun',
      [over(1, 0), '{"target":"a","end":"reverted"}'],
      'c',
      { target: 'c', end: 'unchanged' },
    ],
    ['nothing, when the agent was killed', ['{"target":"a","end":"reverted"}'], 'b', undefined],
    ['its word, when the agent was killed', ['{"target":"a","end":"reverted"}'], 'a', { target: 'a', end: 'reverted' }],
    [
      'why it ended early',
      [
        over(1, 0),
        '{"target":"a","end":"reverted","ended":{"reason":"killed","exit_code":137,"signal":9,"forced":false,"run_ms":7}}',
      ],
      'a',
      {
        ...{ target: 'a', end: 'reverted' },
        ended: { reason: 'killed', exitCode: 137, signal: 9, forced: false, runMs: 7 },
      },
    ],
    ['nothing, of something else', ['stress-ng: oops'], 'a', undefined],
  ])('says of a target %s', (_what, lines, name, word) => {
    expect(endOfTarget(lines.join('\n'), name)).toEqual(word);
  });
});
