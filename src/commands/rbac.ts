import { ExitCode } from '../errors.ts';
import { rolesFor } from '../experiment/roles.ts';
import type { RbacRequest } from '../requests.ts';
import { rolesJson, rolesYaml } from '../terminal/roles.ts';
import { oneLine } from '../terminal/words.ts';
import type { CommandPorts } from './ports.ts';

/** `rbac`: prints the roles that a user needs; no cluster is asked. Resolves to the exit code. */
export async function rbac(request: RbacRequest, { stdout, stderr }: CommandPorts): Promise<number> {
  const roles = rolesFor(request);
  stdout.write(request.output === 'json' ? rolesJson(roles) : rolesYaml(roles));
  for (const note of roles.notes) stderr.write(`note: ${oneLine(note)}\n`);
  return ExitCode.effective;
}
