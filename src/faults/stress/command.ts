import type { FaultCommand } from '../fault.ts';
import { flags } from './flags.ts';
import { toStressRequest } from './parse.ts';
import type { StressRequest } from './types.ts';

/** The fault on the command line. */
export const command: FaultCommand<StressRequest> = {
  summary: 'use up CPU, memory or processes of a running container',
  usage: 'TARGET [flags] [-- STRESS-NG ARGS]',
  examples: `
Examples:
  # Keep two CPUs of the container busy for a minute
  kubectl chaos stress pod/web --cpu 2

  # Use 80% of the container's memory limit in one pod of a deployment, for five minutes
  kubectl chaos stress deploy/web -c app --memory 80% --duration 5m

  # Run any other stressor of stress-ng
  kubectl chaos stress web-0 --duration 30s -- --switch 4 --timer 2
`,
  flags: Object.values(flags),
  takesArguments: true,
  workload: 'run the workload',
  parse: toStressRequest,
};
