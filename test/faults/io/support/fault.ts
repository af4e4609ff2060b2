import { parseCommandLine } from '../../../../src/cli/program.ts';
import type { IoFault, IoRequest } from '../../../../src/faults/io/types.ts';
import type { Volume } from '../../../../src/ports.ts';
import { volumes } from '../../../fakes/samples.ts';

/** The request of `kubectl chaos io db --path /data FLAGS`. */
export function ioRequest(flags: string, path = '/data'): IoRequest {
  const invocation = parseCommandLine(['io', 'db', '--path', path, ...flags.split(' ')], '1.2.3');
  if (invocation.kind !== 'run' || invocation.request.fault.fault !== 'io') throw new Error('not an io fault');
  return invocation.request.fault as IoRequest;
}

/** Of which the path is in a claim, with `change`. */
export function ioFault(flags: string, change: Partial<Volume> = {}, path = '/data'): IoFault {
  const volume = volumes(change).at(-1);
  if (!volume) throw new Error('no volume');
  return { ...ioRequest(flags, path), surroundings: { volume }, directory: '.kubectl-chaos-7f3k2' };
}
