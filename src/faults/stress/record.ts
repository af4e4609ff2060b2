import * as v from 'valibot';
import { amount, percent, read, text } from '../common/schemas.ts';
import type { FaultRecord } from '../fault.ts';
import type { StressFault } from './plan.ts';

const held = v.strictObject({ bytes: amount, basis: v.exactOptional(text) });

const stressRecord = v.strictObject({
  fault: v.literal('stress'),
  /** Whether stress-ng has arguments of the user's. */
  ownArgs: v.boolean(),
  oomVictim: v.picklist(['stressor', 'app']),
  cpu: v.exactOptional(v.strictObject({ workers: amount, loadPercent: percent, cores: amount })),
  memory: v.exactOptional(
    v.union([held, v.strictObject({ percent: v.pipe(amount, v.minValue(1)), estimate: v.exactOptional(held) })]),
  ),
  processes: v.exactOptional(amount),
  allowNodeMemory: v.exactOptional(v.literal(true)),
});

/** No arguments of the user's: whoever may read pods may read it. */
export const record: FaultRecord<StressFault> = {
  write({ stressNgArgs, ...rest }) {
    return { ...rest, ownArgs: stressNgArgs.length > 0 };
  },
  read(value) {
    const found = read(stressRecord, value);
    if (!found) return undefined;
    const { ownArgs, ...rest } = found;
    // That there are some is all that matters now that they have been given to stress-ng.
    return { ...rest, stressNgArgs: ownArgs ? ['…'] : [] };
  },
};
