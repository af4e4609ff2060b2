import { ChaosError, usageError } from '../../errors.ts';
import { type FlagValues, isGiven } from '../../flags/flag.ts';
import { quote } from '../../flags/values.ts';
import { runFlags } from '../flags.ts';
import { type FaultInvocation, faultInvocation } from '../program.ts';
import { file } from './keys.ts';
import { readExperiment } from './read.ts';

/**
 * What the text of a file asks for, as if its flags had stood on the command line of its fault. `flags`: those of `run`.
 * @throws ChaosError `usage`, one line that names the place in the file and the key or the flag.
 */
export function fileInvocation(
  text: string,
  { name, flags }: { name: string; flags: FlagValues },
  env: Readonly<Record<string, string | undefined>>,
): FaultInvocation {
  const said = readExperiment(text, name);
  const { verb, command } = said.kind;
  const taken = [...command.flags, ...runFlags(command)].map((flag) => flag.name);
  const foreign = file.allowances.find((flag) => isGiven(flag, flags) && !taken.includes(flag.name));
  if (foreign) throw usageError(`${foreign.name}: not a flag of ${verb}, which is the fault of ${name}`);
  const { namespace } = said.values;
  if (namespace !== undefined && flags.namespace !== undefined && flags.namespace !== namespace) {
    throw usageError(
      `${said.namespacePlace}: namespace ${quote(String(namespace))} does not match --namespace ${quote(String(flags.namespace))}`,
    );
  }
  try {
    return faultInvocation(verb, said.words, { ...flags, ...said.values }, said.passedOn, env);
  } catch (error) {
    throw error instanceof ChaosError && error.code === 'usage' ? said.placed(error) : error;
  }
}
