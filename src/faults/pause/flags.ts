import { toggle } from '../../flags/flag.ts';
import { groups } from '../../flags/groups.ts';
import { matchFlag } from '../common/pattern.ts';

const { fault: group } = groups;

/** The flags of `pause` alone. */
export const flags = {
  match: matchFlag('stop only the', 'default: the whole container'),
  allowRestart: toggle({
    ...{ name: '--allow-restart', group, isNeverHinted: true, isAllowance: true },
    help: 'pause for so long that the kubelet restarts the container, because its probes fail',
  }),
};
