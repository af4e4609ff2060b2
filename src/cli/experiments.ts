import { usageError } from '../errors.ts';
import type { FlagValues } from '../flags/flag.ts';
import { checkName } from '../flags/names.ts';
import { quote } from '../flags/values.ts';
import type { AttachRequest, ManageRequest } from '../requests.ts';
import { outputs } from './flags.ts';
import { refuseWords, text, toConnection, tooMany } from './run-options.ts';

/** Words and flags of `ls` and `stop` as a request. Throws usage errors only. */
export function toManageRequest(
  verb: ManageRequest['verb'],
  words: readonly string[],
  flags: FlagValues,
): ManageRequest {
  const place = toPlace(flags);
  if (verb === 'ls') refuseWords(verb, words);
  const ids = verb === 'ls' ? [] : someIds(words, flags.all === true);
  const output = (verb === 'ls' ? outputs.list : outputs.stop).read(flags);
  const watch = flags.watch === true;
  if (output === 'ndjson' && !watch) throw usageError('--output ndjson requires --watch: use json for one list');
  return {
    verb,
    connection: toConnection(flags),
    ...place,
    ids,
    output: output ?? 'human',
    verbose: flags.verbose === true,
    watch,
  };
}

/** Words and flags of `attach` as a request. Throws usage errors only. */
export function toAttachRequest(words: readonly string[], flags: FlagValues): AttachRequest {
  const [id, other] = toIds(words);
  if (id === undefined) throw usageError('ID is required: name a detached experiment, as shown by "kubectl chaos ls"');
  if (other !== undefined) throw tooMany('ID', words);
  return {
    id,
    connection: toConnection(flags),
    ...toPlace(flags),
    output: outputs.attach.read(flags) ?? 'human',
    verbose: flags.verbose === true,
  };
}

/** Where experiments are looked for. */
export function toPlace(flags: FlagValues): Pick<ManageRequest, 'namespace' | 'allNamespaces'> {
  const namespace = text(flags, 'namespace');
  const allNamespaces = flags.allNamespaces === true;
  checkName('--namespace', namespace);
  if (namespace !== undefined && allNamespaces) {
    throw usageError('--namespace and --all-namespaces are mutually exclusive');
  }
  return { namespace, allNamespaces };
}

function someIds(words: readonly string[], all: boolean): readonly string[] {
  if (all && words.length > 0) throw usageError(`--all and ID (${quote(words[0] ?? '')}) are mutually exclusive`);
  if (!all && words.length === 0)
    throw usageError('ID is required: name an experiment, as shown by "kubectl chaos ls", or use --all');
  return toIds(words);
}

function toIds(words: readonly string[]): string[] {
  // As it is, or as the name of its pod, which other tools show.
  const ids = words.map((word) => word.replace(/^(?:pod|po|pods)\//, '').replace(/^(chaos-[a-z0-9]{5})-\d+$/, '$1'));
  const wrong = ids.find((id) => !/^chaos-[a-z0-9]{5}$/.test(id));
  if (wrong !== undefined) throw usageError(`ID ${quote(wrong)}: must be the id of an experiment, such as chaos-7f3k2`);
  return [...new Set(ids)];
}
