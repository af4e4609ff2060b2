import { usageError } from '../../errors.ts';
import type { FlagValues } from '../../flags/flag.ts';
import type { FaultCommand } from '../fault.ts';
import { flags } from './flags.ts';
import type { PauseRequest } from './types.ts';

/** The fault on the command line. */
export const command: FaultCommand<PauseRequest> = {
  summary: 'have a running container, or some of its processes, stand still',
  usage: 'TARGET [flags]',
  examples: `
Examples:
  # Have a container stand still for 20 seconds
  kubectl chaos pause pod/web --duration 20s

  # Stop the workers of a web server, and not the process that answers
  kubectl chaos pause deploy/web --match "*worker*" --duration 20s

  # See what happens when a database hangs until its liveness probe has it restarted
  kubectl chaos pause pod/db-0 -c postgres --duration 2m --allow-restart
`,
  flags: Object.values(flags),
  parse: toPauseRequest,
};

function toPauseRequest(values: FlagValues, passedOn: readonly string[] | undefined): PauseRequest {
  if (passedOn !== undefined) throw usageError('pause takes no arguments after "--"');
  const match = flags.match.read(values);
  return {
    fault: 'pause',
    ...(match === undefined ? {} : { match }),
    ...(flags.allowRestart.read(values) ? { allowRestart: true } : {}),
  };
}
