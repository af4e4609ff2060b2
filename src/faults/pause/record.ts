import * as v from 'valibot';
import { longestPattern } from '../common/pattern.ts';
import { matching, read } from '../common/schemas.ts';
import type { FaultRecord } from '../fault.ts';
import type { PauseFault } from './types.ts';

const pauseRecord = v.strictObject({
  fault: v.literal('pause'),
  match: v.exactOptional(matching(/^\P{Cc}+$/u, longestPattern)),
  allowRestart: v.exactOptional(v.literal(true)),
});

export const record: FaultRecord<PauseFault> = {
  write({ atRisk: _said, ...rest }) {
    return rest;
  },
  read(value) {
    const found = read(pauseRecord, value);
    return found && { ...found, atRisk: [] };
  },
};
