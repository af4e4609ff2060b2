import * as v from 'valibot';
import { keysOf, kindName } from '../../src/cli/file/keys.ts';
import type { FaultKind } from '../../src/faults/fault.ts';
import { faultKinds } from '../../src/faults/registry.ts';
import { type Flag, keyOf } from '../../src/flags/flag.ts';
import { apiVersion } from '../../src/requests.ts';

/** The schema of the file that `run -f` reads, made from the flags of each fault. Which of them go together is for the command to say. */

const scalar = v.union([v.string(), v.number()]);
const oneOrMore = v.union([scalar, v.pipe(v.array(scalar), v.minLength(1))]);

function valueSchema({ isRepeatable, value, choices, whole }: Flag): v.GenericSchema {
  if (isRepeatable) return oneOrMore;
  if (value === undefined) return v.boolean();
  if (choices) return v.picklist(choices);
  if (whole) return v.pipe(v.number(), v.integer(), v.minValue(whole.min), v.maxValue(whole.max));
  return scalar;
}

interface Entries extends v.ObjectEntries {
  fault: v.GenericSchema<string>;
}

function entriesOf(flags: readonly Flag[]): Record<string, v.GenericSchema> {
  return Object.fromEntries(
    flags.map((flag) => [
      keyOf(flag.name),
      v.exactOptional(v.pipe(valueSchema(flag), v.description(flag.help.replace('TARGET', 'names')))),
    ]),
  );
}

const names = v.pipe(oneOrMore, v.description('in place of a selector: pods, and workloads such as deploy/web'));

function experimentOf(kind: FaultKind): v.StrictObjectSchema<Entries, undefined> {
  const { targets, options } = keysOf(kind);
  const entries: Entries = {
    apiVersion: v.literal(apiVersion),
    kind: v.literal(kindName),
    fault: v.pipe(v.literal(kind.verb), v.description(kind.command.summary)),
    targets: v.strictObject({ names: v.exactOptional(names), ...entriesOf(targets) }),
    options: v.exactOptional(v.strictObject(entriesOf(options))),
    ...(kind.command.takesArguments ? { args: v.exactOptional(oneOrMore) } : {}),
  };
  return v.strictObject(entries);
}

export const experimentFile = v.variant('fault', faultKinds.map(experimentOf));

/** What a file has that its schema does not allow, a line each; empty: nothing. */
export function fileFaultsOf(document: unknown): string[] {
  const { issues = [] } = v.safeParse(experimentFile, document);
  return issues.map((issue) => `${v.getDotPath(issue) ?? ''}: ${issue.message}`);
}
