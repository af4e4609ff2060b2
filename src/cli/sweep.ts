import { usageError } from '../errors.ts';
import type { FlagValues } from '../flags/flag.ts';
import { quote } from '../flags/values.ts';
import type { SweepRequest } from '../requests.ts';
import { toAgentOptions } from './agent-flags.ts';
import { toPlace } from './experiments.ts';
import { noCleanup, outputs } from './flags.ts';
import { toConnection } from './run-options.ts';

/** Words and flags of `sweep` as a request. Throws usage errors only. */
export function toSweepRequest(words: readonly string[], flags: FlagValues): SweepRequest {
  const all = flags.allNodes === true;
  if (all && words.length > 0)
    throw usageError(`--all-nodes and NODE (${quote(words[0] ?? '')}) are mutually exclusive`);
  if (!all && words.length === 0) throw usageError('NODE is required: name nodes, or use --all-nodes');
  const nodes = words.map((word) => word.replace(/^(?:node|no|nodes)\//, ''));
  const wrong = nodes.find((node) => !/^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/.test(node));
  if (wrong !== undefined) throw usageError(`NODE ${quote(wrong)}: must be the name of a node`);
  return {
    nodes: [...new Set(nodes)],
    connection: toConnection(flags),
    ...toPlace(flags),
    yes: flags.yes === true,
    ...toAgentOptions(flags),
    output: outputs.sweep.read(flags) ?? 'human',
    verbose: flags.verbose === true,
    cleanup: !noCleanup.read(flags),
  };
}
