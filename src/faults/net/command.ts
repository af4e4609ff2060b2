import type { FaultCommand } from '../fault.ts';
import { flags } from './flags.ts';
import { toNetRequest } from './parse.ts';
import type { NetRequest } from './types.ts';

/** The fault on the command line. */
export const command: FaultCommand<NetRequest> = {
  summary: "make a running pod's network slow, lossy, narrow or broken",
  usage: 'TARGET [flags]',
  examples: `
Examples:
  # What the pod sends to a service is slow, and some of it is lost, for two minutes
  kubectl chaos net pod/api --delay 100ms --jitter 20ms --loss 2% --to svc/db --port 5432 --duration 2m

  # One pod of a deployment on a narrow line, both ways
  kubectl chaos net deploy/web --rate 1mbit --direction both

  # Nothing from there, and nothing to the cache
  kubectl chaos net pod/api --partition --from 10.0.0.0/8 --to deploy/cache
`,
  flags: Object.values(flags),
  container: 'container of the pod to reach its network by; all of them share it',
  parse: toNetRequest,
};
