import { Help } from 'commander';
import type { Flag } from '../flags/flag.ts';
import { groups } from '../flags/groups.ts';

/** What help says. Pure. */

/** Longer lines are hard to read, and below the least a flag's help would have no room beside its name. */
const [leastWidth, mostWidth] = [60, 100];

/** How wide help is on a terminal of so many columns; undefined: there is none. */
export function helpWidth(columns: number | undefined): number {
  return Math.max(leastWidth, Math.min(mostWidth, columns ?? mostWidth));
}

const wrapper = new Help();
// By default commander wraps nothing where less than 40 columns are left.
wrapper.minWidthToWrap = 1;

/** What help says of a verb. */
export interface Helped {
  name: string;
  aliases?: readonly string[];
  /** Without a capital letter and a full stop. */
  summary: string;
  usage: string;
  examples: string;
  flags: readonly Flag[];
}

/** The help of one verb, `width` columns wide: on one screen, so without the flags that `kubectl chaos options` lists. */
export function verbHelp({ name, aliases = [], summary, usage, examples, flags }: Helped, width = mostWidth): string {
  const shown = flags.filter((flag) => !isInOptions(flag));
  const rare = flags.filter(({ isRare }) => isRare).map(({ name: flag }) => flag);
  const rest = rare.includes('--lease')
    ? '-n, -l, --all, --context, --image, --lease, ...'
    : rare.includes('--image')
      ? '-n, --context, --image, --agent-namespace, ...'
      : '-n, --context, --as, --request-timeout, ...';
  return text(width, [
    ...[sentence(summary), '', `Usage: kubectl chaos ${name} ${usage}`],
    ...(aliases.length > 0 ? [`Aliases: ${[name, ...aliases].join(', ')}`] : []),
    ...['', ...examples.trim().split(/\n+/), ''],
    ...sections(shown, width),
    `Use "kubectl chaos options" for all other flags: ${rest}`,
  ]);
}

/** What `kubectl chaos options` prints: the flags that the help of the verbs leaves out. `faults`: the verbs that are faults; flags of agents are those of `sweep` and `doctor` as well. */
export function optionsHelp(faults: readonly Helped[], connection: readonly Flag[], width = mostWidth): string {
  const rare = new Map(faults.flatMap(({ flags }) => flags.filter(isInOptions)).map((flag) => [flag.name, flag]));
  const inGroup = (isIn: (group: string) => boolean) => [...rare.values()].filter(({ group }) => isIn(group));
  const names = faults.map(({ name }) => name).join(', ');
  return text(width, [
    ...['The following flags can be passed to any command:', '', ...sections(connection, width)],
    ...[`The following flags can be passed to each fault (${names}):`, ''],
    ...sections(
      inGroup((group) => group !== groups.connection && group !== groups.agent),
      width,
    ),
    ...['The following flags can be passed to each fault, to sweep and to doctor:', ''],
    ...sections(
      inGroup((group) => group === groups.agent),
      width,
    ),
    'Use "kubectl chaos COMMAND --help" for the flags of one command.',
  ]);
}

/** The help of the program: its verbs, and what comes before and after them. */
export function programHelp(description: string, verbs: readonly Helped[], rest: string, width = mostWidth): string {
  const terms = [...verbs, { name: 'help', summary: 'print the help of a command' }].map(
    ({ name, summary }): Term => [name, summary],
  );
  return text(width, [
    ...[description, '', 'Usage: kubectl chaos COMMAND [flags]', '', 'Commands:', ...table(terms, width), ''],
    ...rest.trim().split('\n'),
  ]);
}

function isInOptions({ group, isRare }: Flag): boolean {
  return isRare === true || group === groups.connection;
}

type Term = readonly [term: string, help: string];

/** Flags under their headings, which are as wide as each other; with a blank line behind each. */
function sections(flags: readonly Flag[], width: number): string[] {
  const shown = flags.filter(({ isHidden }) => !isHidden);
  const column = Math.max(0, ...shown.map((flag) => spelling(flag).length));
  return [...new Set(shown.map(({ group }) => group))].flatMap((group) => [
    group,
    ...table(
      shown.filter((flag) => flag.group === group).map((flag): Term => [spelling(flag), flag.help]),
      width,
      column,
    ),
    '',
  ]);
}

function spelling({ name, short, value, bare }: Flag): string {
  const given = value === undefined ? '' : bare === undefined ? ` <${value}>` : `[=${value}]`;
  return `${short === undefined ? '' : `${short}, `}${name}${given}`;
}

function table(
  terms: readonly Term[],
  width: number,
  column = Math.max(...terms.map(([term]) => term.length)),
): string[] {
  return terms.flatMap(([term, help]) =>
    wrapper
      .boxWrap(help, width - column - 4)
      .split('\n')
      .map((line, index) => `  ${(index === 0 ? term : '').padEnd(column)}  ${line}`),
  );
}

function sentence(words: string): string {
  return `${words[0]?.toUpperCase()}${words.slice(1)}.`;
}

/** Sentences are wrapped; what is indented are commands to be copied, and tables. */
function text(width: number, lines: readonly string[]): string {
  return lines.map((line) => `${/^[A-Z]/.test(line) ? wrapper.boxWrap(line, width) : line}\n`).join('');
}
