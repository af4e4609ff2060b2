import { usageError } from '../errors.ts';
import { type FlagValues, text, toggle } from '../flags/flag.ts';
import { groups } from '../flags/groups.ts';
import { checkName, isObjectName } from '../flags/names.ts';
import { quote } from '../flags/values.ts';
import type { DoctorRequest } from '../requests.ts';
import { agentFlags, toAgentOptions } from './agent-flags.ts';
import { outputs, verboseRequests } from './flags.ts';
import { text as given, oneTarget, toConnection } from './run-options.ts';
import { parseTarget } from './target.ts';

const { choice: group } = groups;

const container = text({
  ...{ name: '--container', short: '-c', value: 'name', group, names: 'container' },
  help: "container of the pod (default: the pod's default container, else the first)",
});
const node = text({ name: '--node', value: 'name', group, names: 'node', help: 'look at this node, without a target' });

const onNode = toggle({
  ...{ name: '--on-node', group },
  help: 'look from the node as well: creates an agent pod there, and removes it',
});
const yes = toggle({
  ...{ name: '--yes', short: '-y', group, isNeverHinted: true },
  help: 'create that pod without asking',
});

/** Flags of `doctor`, but for those of the connection. */
export const doctorFlags = [container, node, onNode, yes, outputs.doctor, verboseRequests, ...agentFlags];

/** Words and flags of `doctor` as a request. Throws usage errors only. */
export function toDoctorRequest(words: readonly string[], flags: FlagValues): DoctorRequest {
  const target = words.length === 0 ? undefined : oneTarget(words);
  const [ofContainer, ofNode] = [container.read(flags), node.read(flags)];
  if (ofNode !== undefined) {
    if (target !== undefined) throw usageError(`--node and TARGET (${quote(target)}) are mutually exclusive`);
    if (!isObjectName(ofNode)) throw usageError(`--node ${quote(ofNode)}: must be the name of a node`);
  }
  if (ofContainer !== undefined && target === undefined) throw usageError('--container requires TARGET');
  if (onNode.read(flags) && target === undefined) throw usageError('--on-node requires TARGET');
  if (yes.read(flags) && !onNode.read(flags)) throw usageError('--yes requires --on-node');
  const namespace = given(flags, 'namespace');
  checkName('--namespace', namespace);
  return {
    target: target === undefined ? undefined : parseTarget(target, namespace, ofContainer),
    node: ofNode,
    onNode: onNode.read(flags),
    yes: yes.read(flags),
    connection: toConnection(flags),
    namespace,
    ...toAgentOptions(flags),
    output: outputs.doctor.read(flags) ?? 'human',
    verbose: flags.verbose === true,
  };
}
