import { count, oneOf, toggle, valued } from '../../flags/flag.ts';
import { groups } from '../../flags/groups.ts';
import { wholePercentage } from '../../flags/values.ts';
import { cpus, memory } from './values.ts';

const { fault: group } = groups;

/** The flags of `stress` alone. */
export const flags = {
  cpu: valued(
    { name: '--cpu', value: 'cpus', group, help: 'keep this many CPUs busy: 2, or a quantity such as 500m' },
    cpus,
  ),
  cpuLoad: valued(
    {
      name: '--cpu-load',
      value: 'percent',
      group,
      help: 'how busy each CPU is kept, in percent (default: {default})',
      default: '100',
    },
    wholePercentage,
  ),
  memory: valued(
    {
      ...{ name: '--memory', value: 'size|percent', group },
      help: "allocate and hold memory: 512Mi, or 80% of the limit in force (without a limit: of the node's memory)",
    },
    memory,
  ),
  processes: count({
    ...{ name: '--processes', value: 'number', group },
    ...{ help: 'number of workers that fork processes all the time', min: 1, max: 10_000 },
  }),
  oomVictim: oneOf({
    ...{ name: '--oom-victim', value: 'who', group },
    help: 'which one the OOM killer kills first: {choices} (default: {default})',
    choices: ['stressor', 'app'],
    default: 'stressor',
  }),
  allowNodeMemory: toggle({
    ...{ name: '--allow-node-memory', group, isNeverHinted: true, isAllowance: true },
    help: "let a container without a limit take memory that the node's other pods may need",
  }),
};
