import { shimFile, shimFolder } from '../../ports.ts';
import type { FillRequest } from './types.ts';

/** argv of the shim's own workload. */
export function fillCommand({ space, inodes, leaveBytes }: FillRequest): string[] {
  return [
    `${shimFolder}/${shimFile}`,
    'fill',
    ...spaceOptions(space),
    ...inodeOptions(inodes),
    // Without it the shim works out the default: only there the size of the file system is known.
    ...(leaveBytes === undefined ? [] : ['--leave', String(leaveBytes)]),
  ];
}

function spaceOptions(space: FillRequest['space']): string[] {
  if (!space) return [];
  return 'bytes' in space ? ['--bytes', String(space.bytes)] : ['--percent', decimal(space.percent)];
}

function inodeOptions(inodes: FillRequest['inodes']): string[] {
  if (!inodes) return [];
  return 'count' in inodes ? ['--inodes', String(inodes.count)] : ['--inodes-percent', decimal(inodes.percent)];
}

/** The shim reads six decimals. */
function decimal(percent: number): string {
  return String(Number(percent.toFixed(6)));
}
