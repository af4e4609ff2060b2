import type { FaultCommand } from '../fault.ts';
import { flags } from './flags.ts';
import { toIoRequest } from './parse.ts';
import type { IoRequest } from './types.ts';

/** The fault on the command line. */
export const command: FaultCommand<IoRequest> = {
  summary: 'load, fill or throttle the disk of a running container',
  usage: 'TARGET --path DIRECTORY [flags]',
  examples: `
Examples:
  # Write with four workers to the volume of a database
  kubectl chaos io pod/db-0 -c postgres --path /var/lib/postgresql/data --mode write --workers 4

  # Fill a volume up to 95% for five minutes
  kubectl chaos io pod/db-0 --path /data --fill 95% --duration 5m

  # Slow down the container's reads and writes
  kubectl chaos io pod/db-0 --path /data --throttle write=1Mi,read=4Mi,write-iops=50
`,
  flags: Object.values(flags),
  workload: 'read and write',
  parse: toIoRequest,
};
