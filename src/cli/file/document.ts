import type { FaultKind } from '../../faults/fault.ts';
import { type Flag, type FlagValues, keyOf } from '../../flags/flag.ts';
import { apiVersion } from '../../requests.ts';
import { noCleanup, run } from '../flags.ts';
import { joinKind } from '../target.ts';
import { file, keysOf, kindName, withKind } from './keys.ts';

/** An experiment as a file, not yet as text. */
export interface ExperimentFile {
  /** For its head: how to run it. */
  comment: string;
  document: Record<string, unknown>;
}

/** What stands on the command line of a fault, as a file: nothing but what was given, as it was given, so that a default stays one. */
export function toExperimentFile(
  kind: FaultKind,
  words: readonly string[],
  values: FlagValues,
  passedOn: readonly string[] | undefined,
): ExperimentFile {
  const { targets, options } = keysOf(kind);
  // Beside a selector there can be nothing but the word for pods.
  const named = values.selector === undefined ? { names: joinKind(words).map(withKind) } : {};
  const said = given(options, values);
  const again = [...file.allowances, run.detach, run.noAttach, noCleanup].filter(
    ({ name }) => values[keyOf(name)] === true,
  );
  return {
    comment: ` kubectl chaos ${['run', '-f', 'FILE', ...again.map(({ name }) => name)].join(' ')}`,
    document: {
      ...{ apiVersion, kind: kindName, fault: kind.verb },
      targets: { ...named, ...given(targets, values) },
      ...(Object.keys(said).length > 0 ? { options: said } : {}),
      ...(passedOn === undefined ? {} : { args: passedOn }),
    },
  };
}

function given(flags: readonly Flag[], values: FlagValues): Record<string, unknown> {
  return Object.fromEntries(
    flags.flatMap((flag) => {
      const value = values[keyOf(flag.name)];
      return value === undefined ? [] : [[keyOf(flag.name), written(flag, value, values)]];
    }),
  );
}

function written({ choices = [], read }: Flag, value: string | string[] | boolean, values: FlagValues): unknown {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string') {
    const each = read(values);
    return (Array.isArray(each) ? (each as string[]) : value).map(plain);
  }
  // Of the words that are read in capitals as well, the one that the schema has.
  return choices.find((choice) => choice === value.toLowerCase()) ?? plain(value);
}

/** A number, where it is written as YAML would write it. */
function plain(text: string): string | number {
  return /^(?:0|[1-9]\d{0,14})$/.test(text) ? Number(text) : text;
}
