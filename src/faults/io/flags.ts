import { bytes, count, list, oneOf, text, toggle } from '../../flags/flag.ts';
import { groups } from '../../flags/groups.ts';
import { formatQuantity } from '../../units.ts';
import { defaultLeaveBytes, defaultSizeBytes } from './room.ts';
import { loadModes } from './types.ts';

const { fault: group } = groups;
const load = 'Load the disk:';
const fill = 'Fill the disk:';
const throttle = 'Throttle the container:';

export const maxBytes = 2 ** 50;
/** O_DIRECT asks for whole sectors, of at most 4 KiB; stress-ng takes no more than 4 MiB. */
export const sectorBytes = 4_096;

/** The flags of `io` alone. */
export const flags = {
  path: text({
    ...{ name: '--path', value: 'directory', group },
    help: 'directory in the container; the fault acts on the disk behind it',
  }),
  allowNodeDisk: toggle({
    ...{ name: '--allow-node-disk', group, isNeverHinted: true, isAllowance: true },
    help: 'allow a disk that the node itself uses (affects its other pods)',
  }),
  mode: oneOf({
    ...{ name: '--mode', value: 'name', group: load, choices: loadModes },
    help: 'I/O to generate: read, write, mixed, metadata (create, rename, delete) or sync (small synced writes)',
  }),
  workers: count({
    ...{ name: '--workers', value: 'number', group: load },
    ...{ help: 'number of concurrent workers (default: {default})', min: 1, max: 256, default: '1' },
  }),
  size: bytes({
    ...{ name: '--size', value: 'size', group: load },
    help: 'file size per worker (default: {default})',
    default: formatQuantity(defaultSizeBytes),
    // stress-ng takes no less for a file.
    min: 2 ** 20,
    max: maxBytes,
  }),
  blockSize: bytes({
    ...{ name: '--block-size', value: 'size', group: load },
    help: 'size of each read or write (default: 1Mi for write, 64Ki for mixed, 4Ki for sync)',
    min: sectorBytes,
    max: 4 * 2 ** 20,
  }),
  // Known only so that the parser can explain why it is not supported.
  rate: text({ name: '--rate', value: 'rate', group: load, help: '', isHidden: true }),
  fill: text({
    ...{ name: '--fill', value: 'size|percent', group: fill },
    help: 'by an amount (2Gi), or up to a share of the usable space (95%)',
  }),
  fillInodes: text({
    ...{ name: '--fill-inodes', value: 'number|percent', group: fill },
    help: 'by a number of inodes (10k), or up to a share of them (95%)',
  }),
  leave: bytes({
    ...{ name: '--leave', value: 'size', group: fill },
    help: `space to keep free (default: ${formatQuantity(defaultLeaveBytes)}; 5% of a smaller file system)`,
    min: 0,
    max: maxBytes,
  }),
  throttle: list({
    ...{ name: '--throttle', value: 'limits', group: throttle },
    help: 'I/O limits per second: write=1Mi,read=4Mi (bytes), write-iops=50,read-iops=100 (operations)',
  }),
};
