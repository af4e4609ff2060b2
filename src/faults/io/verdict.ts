import { conclude } from '../common/conclude.ts';
import type { Conclusion, Proof } from '../fault.ts';
import { judgeFill } from './fill-verdict.ts';
import { judgeLoad } from './load-verdict.ts';
import { measureIo } from './measure.ts';
import { proof, type SeenIo } from './proof.ts';
import { judgeThrottle } from './throttle-verdict.ts';
import type { IoFault, IoMeasurement } from './types.ts';

/** Compares what was asked with what the target's cgroup, its disk, its file system and the probe in it measured (G1). */
export function judgeIo(fault: IoFault, seen: SeenIo): Conclusion & { io?: IoMeasurement } {
  const io = measureIo(seen);
  const proofs = io
    ? judge(fault, seen, io)
    : [proof(false, 'the run was too short to measure: no sample was taken while the fault was active')];
  return { ...conclude(proofs), ...(io ? { io } : {}) };
}

function judge(fault: IoFault, seen: SeenIo, io: IoMeasurement): Proof[] {
  const { action } = fault;
  switch (action.kind) {
    case 'load':
      return [judgeLoad(fault, action, seen, io)];
    case 'fill':
      return judgeFill(fault, action, seen);
    case 'throttle':
      return judgeThrottle(action.limits, seen, io);
  }
}
