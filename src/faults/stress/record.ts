import { fields, isAmount, isFlag, isPercent, isText, oneOf } from '../common/checks.ts';
import type { FaultRecord } from '../fault.ts';
import type { StressFault } from './plan.ts';

/** `ownArgs`: whether stress-ng has arguments of the user's. */
type StressRecord = Omit<StressFault, 'stressNgArgs'> & { ownArgs: boolean };

const isStress = fields(
  { fault: oneOf('stress'), ownArgs: isFlag, oomVictim: oneOf('stressor', 'app') },
  {
    cpu: fields({ workers: isAmount, loadPercent: isPercent, cores: isAmount }),
    memory: fields({ bytes: isAmount }, { basis: isText }),
    processes: isAmount,
  },
);

/** No arguments of the user's: whoever may read pods may read it. */
export const record: FaultRecord<StressFault> = {
  write({ stressNgArgs, ...rest }) {
    return { ...rest, ownArgs: stressNgArgs.length > 0 };
  },
  read(value) {
    if (!isStress(value)) return undefined;
    const { ownArgs, ...rest } = value as StressRecord;
    // That there are some is all that matters now that they have been given to stress-ng.
    return { ...rest, stressNgArgs: ownArgs ? ['…'] : [] };
  },
};
