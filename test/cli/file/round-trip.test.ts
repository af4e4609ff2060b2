import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { fileInvocation } from '../../../src/cli/file/invocation.ts';
import { callerFlags, keysOf } from '../../../src/cli/file/keys.ts';
import { type Invocation, parseCommandLine, verbs } from '../../../src/cli/program.ts';
import { ChaosError } from '../../../src/errors.ts';
import type { FaultKind } from '../../../src/faults/fault.ts';
import { faultKinds } from '../../../src/faults/registry.ts';
import { type Flag, keyOf } from '../../../src/flags/flag.ts';
import { groups } from '../../../src/flags/groups.ts';
import { experimentText } from '../../../src/terminal/experiment-file.ts';
import { fileFaultsOf } from '../../support/experiment-schema.ts';

/** Command lines of each fault, begun by an example of its help and gone on with flags and values that are generated, as a file and back. */

const env = { KUBECTL_CHAOS_IMAGE: 'tools:1', KUBECTL_CHAOS_AGENT_LABEL: 'owner=team-a' };

/** Values of which each flag takes some. */
const usual = [
  ...[
    '1',
    '2',
    '40',
    '007',
    '0123',
    '1e3',
    '500m',
    '1500m',
    '80%',
    '2.5%',
    '2%,25%',
    '0s',
    '7ms',
    '90s',
    '1h30m',
    '10m',
  ],
  ...['512Mi', '64Ki', '4Ki', '1G', '4096', '1mbit', '95%', 'write=1Mi', 'read=4Mi,write-iops=50', 'read-iops=1k'],
  ...[
    'app=web,tier!=db',
    'app in (web, api)',
    'gemodel 1% 10%',
    'state 2%',
    '80,8000-8080',
    '5432',
    'eth0',
    'TCP',
    'udp',
  ],
  ...[
    'svc/db',
    'shop/svc/db,10.0.0.0/8',
    'fd00::/8',
    'example.com',
    'pod/web',
    '/data',
    '/a b/ü: #c',
    '/',
    'web',
    'shop',
  ],
  ...[
    'r/i@sha256:0a',
    'a=b',
    'example.com/why=one, two',
    'cpu=50m,memory=64Mi',
    'high',
    'yes',
    'null',
    '~',
    '# x',
    '- a',
  ],
];
const strange = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).filter((text) => !text.includes('\0'));

/** A flag as it may stand on a command line, several times if it may; `right`: values that it takes. */
function words({ name, value, choices, whole, isRepeatable }: Flag, right: readonly string[]): fc.Arbitrary<string[]> {
  if (value === undefined) return fc.constantFrom([name], [name], [`${name}=true`], [`${name}=false`]);
  const one = choices
    ? fc.constantFrom(...choices)
    : whole
      ? fc.integer(whole).map(String)
      : fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...right) }, strange);
  return fc
    .array(one, { minLength: 1, maxLength: isRepeatable ? 3 : 1 })
    .map((values) => values.map((each) => `${name}=${each}`));
}

/** Of the usual values those that the flag reads, or if it reads all of them, those that it takes in one of the lines. */
function rightValues({ name, read, group }: Flag, bases: readonly (readonly string[])[]): string[] {
  const isRead = (value: string) => {
    try {
      read({ [keyOf(name)]: value });
      return true;
    } catch {
      return false;
    }
  };
  const right = usual.filter(isRead);
  if (right.length < usual.length || (group === groups.connection && name !== '--namespace')) return right;
  const fitting = right.filter((value) => bases.some((base) => understood([...base, `${name}=${value}`])));
  return fitting.length > 0 ? fitting : right;
}

function understood(words: readonly string[]): Invocation | undefined {
  try {
    return parseCommandLine(words, '1.2.3', env);
  } catch (error) {
    if (error instanceof ChaosError && error.code === 'usage') return undefined;
    throw error;
  }
}

/** Of the words those that are read together, one after another; several rounds, since some need another. */
function fitting(base: readonly string[], passedOn: readonly string[], several: readonly string[][]): string[] {
  const line = [...base];
  let left = [...several];
  for (let round = 0; round < 2; round++) {
    left = left.filter((group) => {
      const fits = understood([...line, ...group, ...passedOn]) !== undefined;
      if (fits) line.push(...group);
      return !fits;
    });
  }
  return line;
}

/** The examples of its help, each also with labels in place of TARGET; what stands behind `--` apart. */
function basesOf({ command }: FaultKind): { base: string[]; own: string[] }[] {
  const examples = [...command.examples.matchAll(/^ {2}kubectl chaos (.*)$/gm)].map(([, line = '']) => line.split(' '));
  return examples.flatMap((words) => {
    const dashes = words.indexOf('--');
    const [base, own] = dashes < 0 ? [words, []] : [words.slice(0, dashes), words.slice(dashes)];
    const [verb = '', _target, ...rest] = base;
    return [
      { base, own },
      { base: [verb, '-l', 'app=web', ...rest], own },
    ];
  });
}

test.each(faultKinds.map((kind) => [kind.verb, kind] as const))('%s: every flag, to a file and back', (verb, kind) => {
  const flags = verbs.find(({ name }) => name === verb)?.flags.filter(({ isHidden }) => !isHidden) ?? [];
  // `-o` says how it is printed, and there would be two of it.
  const free = flags.filter(({ name }) => !['--output', '--dry-run'].includes(name));
  const bases = basesOf(kind);
  const rights = new Map(
    free.map((flag) => [
      flag,
      rightValues(
        flag,
        bases.map(({ base }) => base),
      ),
    ]),
  );
  const covered = new Set<string>();
  const check = (line: readonly string[], added: readonly string[]) => {
    roundTrip(line, added, flags);
    for (const word of line) covered.add(nameOf(word));
  };
  const property = fc.property(
    fc.constantFrom(...bases),
    fc
      .shuffledSubarray(free, { minLength: 2, maxLength: 14 })
      .chain((some) => fc.tuple(...some.map((flag) => words(flag, rights.get(flag) ?? [])))),
    fc.option(fc.array(strange, { minLength: 1, maxLength: 4 }), { nil: undefined, freq: 4 }),
    ({ base, own }, several, args) => {
      const added = args && understood([...base, '--', ...args]) ? ['--', ...args] : own;
      check(fitting(base, added, several), added);
    },
  );
  fc.assert(property, { numRuns: 100, seed: 42 });

  const { targets, options } = keysOf(kind);
  for (const flag of [...targets, ...options]) {
    for (const { base, own } of bases) {
      if (covered.has(flag.name)) break;
      const [some = []] = fc.sample(words(flag, rights.get(flag) ?? []), { numRuns: 1, seed: 42 });
      check(fitting(base, own, [some]), own);
    }
  }
  expect([...targets, ...options].map(({ name }) => name).filter((name) => !covered.has(name))).toEqual([]);
});

const nameOf = (word: string) => word.replace(/=.*$/s, '');

/** Behind the verb `run` and its file stands what is for the caller to say, and the file has all the rest. */
function roundTrip(line: readonly string[], added: readonly string[], flags: readonly Flag[]): void {
  const shown = parseCommandLine([...line, '--dry-run', '-o', 'experiment', ...added], '1.2.3', env);
  if (shown.kind !== 'experiment') throw new Error(shown.kind);
  const text = experimentText(shown.file);
  expect(fileFaultsOf(parse(text)), text).toEqual([]);
  expect(parse(text, { version: '1.1' }), text).toEqual(parse(text));

  const connection = flags.filter(({ name, group }) => group === groups.connection && name !== '--namespace');
  const ofCaller = [...callerFlags, ...connection].map(({ name }) => name);
  const said = line.filter((word) => ofCaller.includes(nameOf(word)));
  const file = parseCommandLine(['run', '-f', 'x.yaml', ...said], '1.2.3', env);
  if (file.kind !== 'file') throw new Error(file.kind);
  const asked = parseCommandLine([...line, ...added], '1.2.3', env);
  expect(fileInvocation(text, { name: 'x.yaml', flags: file.flags }, env), text).toEqual(asked);
}

test('a flag that allows something takes a safeguard away: it is marked, so that no file can say it', () => {
  const all = verbs.flatMap(({ flags }) => flags).filter(({ name }) => name.startsWith('--allow-'));
  expect(all.length).toBeGreaterThan(3);
  const unmarked = all.filter(({ isAllowance, isNeverHinted }) => !isAllowance || !isNeverHinted);
  expect(unmarked.map(({ name }) => name)).toEqual([]);
  for (const kind of faultKinds) {
    const { targets, options } = keysOf(kind);
    expect([...targets, ...options].filter(({ isAllowance }) => isAllowance)).toEqual([]);
    expect(options.map(({ name }) => keyOf(name))).toContain('duration');
  }
});
