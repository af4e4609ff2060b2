import { usageError } from '../errors.ts';
import { type FlagValues, text } from '../flags/flag.ts';
import { groups } from '../flags/groups.ts';
import { checkName, isLabel, isObjectName } from '../flags/names.ts';
import { quote } from '../flags/values.ts';
import type { RbacRequest, RbacSubject } from '../requests.ts';
import { agentNamespace } from './agent-flags.ts';
import { connectionFlags, outputs } from './flags.ts';
import { refuseWords, toConnection } from './run-options.ts';

const { choice: group } = groups;

const who = {
  user: text({ name: '--user', value: 'name', group, isNeverHinted: true, help: 'bind the roles to this user' }),
  group: text({ name: '--group', value: 'name', group, help: 'bind them to this group' }),
  account: text({
    ...{ name: '--serviceaccount', value: 'namespace:name', group },
    help: 'bind them to this service account',
  }),
};
const namespace = text({
  ...{ name: '--namespace', short: '-n', value: 'name', group, names: 'namespace' },
  help: 'give rights on targets in this namespace alone (default: in every one)',
});
const { isRare: _, ...ofAgent } = agentNamespace;

/** Of its own `--user` and `--namespace`, kubectl's flags of these names have another meaning. */
const others = connectionFlags().filter(({ name }) => name !== '--user' && name !== '--namespace');

/** Flags of `rbac`, which asks no cluster: those of the connection are taken, as an alias for kubectl may carry them. */
export const rbacFlags = [
  ...Object.values(who),
  namespace,
  { ...ofAgent, group, help: 'give the right to create privileged pods in this namespace alone' },
  outputs.rbac,
  ...others,
];

/** Words and flags of `rbac` as a request. Throws usage errors only. */
export function toRbacRequest(words: readonly string[], flags: FlagValues): RbacRequest {
  refuseWords('rbac', words);
  const { user: _user, namespace: _namespace, ...connection } = flags;
  toConnection(connection);
  const place = namespace.read(flags);
  checkName('--namespace', place);
  return {
    subject: toSubject(flags),
    namespace: place,
    agentNamespace: agentNamespace.read(flags),
    output: outputs.rbac.read(flags) ?? 'yaml',
  };
}

function toSubject(flags: FlagValues): RbacSubject | undefined {
  const given = Object.values(who).filter((flag) => flag.read(flags) !== undefined);
  const [first, second] = given;
  if (first && second) throw usageError(`${first.name} and ${second.name} are mutually exclusive`);
  const name = first?.read(flags);
  if (first === undefined || name === undefined) return undefined;
  if (first === who.account) return toAccount(first.name, name);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what no name has
  if (name.trim() === '' || /[\u0000-\u001f\u007f-\u009f]/.test(name)) {
    throw usageError(`${first.name} ${quote(name)}: must be the name that the API server knows`);
  }
  return { kind: first === who.user ? 'User' : 'Group', name };
}

function toAccount(flag: string, text: string): RbacSubject {
  const [, namespace = '', name = ''] = /^([^:]*):([^:]*)$/.exec(text) ?? [];
  if (!isLabel(namespace) || !isObjectName(name)) {
    throw usageError(`${flag} ${quote(text)}: must be NAMESPACE:NAME, such as shop:ci`);
  }
  return { kind: 'ServiceAccount', name, namespace };
}
