import type { Fault, FaultTools } from '../fault.ts';

/** Of a fault that the shim does by itself. */
export const noTools: FaultTools<Fault> = { needed: () => false, names: () => '', toolbox: '', neededFor: 'start' };
