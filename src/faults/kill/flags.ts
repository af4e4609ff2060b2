import { count, time, toggle, valued } from '../../flags/flag.ts';
import { groups } from '../../flags/groups.ts';
import { matchFlag } from '../common/pattern.ts';
import { signalNumber } from './signals.ts';

const { fault: group } = groups;

/** The flags of `kill` alone. */
export const flags = {
  signal: valued(
    {
      ...{ name: '--signal', value: 'name', group, default: 'TERM' },
      help: 'signal to send, as "kill -l" names or numbers it (default: {default})',
    },
    signalNumber,
  ),
  first: toggle({
    ...{ name: '--pid1', group },
    help: "send it to the container's first process, whatever its pid is (the default)",
  }),
  match: matchFlag('send it to the'),
  all: toggle({
    ...{ name: '--all-processes', group, isNeverHinted: true },
    help: 'send it to every process of the container',
  }),
  every: time({
    ...{ name: '--every', value: 'time', group },
    help: 'send it again and again, this long apart, for --duration; into the container that has been started by then',
    ...{ min: 1_000, max: 24 * 3_600_000 },
  }),
  pod: toggle({ name: '--pod', group, help: 'delete the pod instead, through the API server: no agent is created' }),
  gracePeriod: count({
    ...{ name: '--grace-period', value: 'seconds', group, min: 0, max: 86_400 },
    help: "time between SIGTERM and SIGKILL when the pod is deleted (default: the pod's own); 0: it is forgotten at once",
  }),
  expectReady: time({
    ...{ name: '--expect-ready-within', value: 'time', group },
    help: 'fail unless all is ready again within this; else what came after is told for at most 60s',
    ...{ min: 1_000, max: 3_600_000 },
  }),
  allowBarePod: toggle({
    ...{ name: '--allow-bare-pod', group, isNeverHinted: true, isAllowance: true },
    help: 'allow what never comes back: a pod that no workload makes again',
  }),
};
