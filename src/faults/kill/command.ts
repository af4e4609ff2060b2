import type { FaultCommand } from '../fault.ts';
import { flags } from './flags.ts';
import { settle, toKillRequest } from './parse.ts';
import type { KillRequest } from './types.ts';

/** The fault on the command line. */
export const command: FaultCommand<KillRequest> = {
  summary: 'end processes of a running container, or its pod, and see it come back',
  usage: 'TARGET [flags]',
  examples: `
Examples:
  # Ask the first process of a container to end, and wait until the pod is ready again
  kubectl chaos kill deploy/web --expect-ready-within 30s

  # Kill the container's processes called worker every ten seconds, for five minutes
  kubectl chaos kill pod/web-0 -c app --signal KILL --match worker --every 10s --duration 5m

  # Delete a pod of a deployment, and see how many endpoints its services have meanwhile
  kubectl chaos kill deploy/web --pod --expect-ready-within 1m
`,
  flags: Object.values(flags),
  neverDetached: true,
  parse: toKillRequest,
  settle,
};
