import { buildOf } from '../build.ts';
import { ExitCode } from '../errors.ts';
import type { VersionRequest } from '../requests.ts';
import { versionDocument, versionText } from '../terminal/version.ts';
import type { CommandPorts } from './ports.ts';

/** `version`: says which build this is; no cluster is asked. Resolves to the exit code. */
export async function version({ output }: VersionRequest, ports: CommandPorts): Promise<number> {
  const build = await buildOf(ports);
  ports.stdout.write(output === 'human' ? versionText(build) : versionDocument(build, output));
  return ExitCode.effective;
}
