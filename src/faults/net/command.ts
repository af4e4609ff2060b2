import type { FaultCommand } from '../fault.ts';
import { flags } from './flags.ts';
import { toNetRequest } from './parse.ts';
import type { NetRequest } from './types.ts';

/** The fault on the command line. */
export const command: FaultCommand<NetRequest> = {
  summary: 'delay, drop, limit or cut the network traffic of a running pod',
  usage: 'TARGET [flags]',
  examples: `
Examples:
  # Delay packets to a service and drop some of them
  kubectl chaos net pod/api --delay 100ms --jitter 20ms --loss 2% --to svc/db --port 5432

  # Limit one pod of a deployment to 1 Mbit/s in both directions
  kubectl chaos net deploy/web --rate 1mbit --direction both

  # Cut the pod off from a network and from the cache
  kubectl chaos net pod/api --partition --from 10.0.0.0/8 --to deploy/cache
`,
  flags: Object.values(flags),
  container: 'container whose network namespace to enter (shared by the whole pod)',
  parse: toNetRequest,
};
