import { bytes, count, list, oneOf, text, toggle } from '../../flags/flag.ts';
import { groups } from '../../flags/groups.ts';
import { formatQuantity } from '../../units.ts';
import { defaultLeaveBytes, defaultSizeBytes } from './room.ts';
import { loadModes } from './types.ts';

const { fault: group } = groups;
const load = 'To keep it busy:';
const fill = 'To fill it:';
const throttle = 'To slow the container on it:';

export const maxBytes = 2 ** 50;
/** O_DIRECT asks for whole sectors, of at most 4 KiB; stress-ng takes no more than 4 MiB. */
export const sectorBytes = 4_096;

/** The flags of `io` alone. */
export const flags = {
  path: text({
    ...{ name: '--path', value: 'directory', group },
    help: 'of the container: the disk behind it is meant',
  }),
  allowNodeDisk: toggle({
    ...{ name: '--allow-node-disk', group },
    help: "also when the node itself lives on that disk: this hits the node's other pods",
  }),
  mode: oneOf({
    ...{ name: '--mode', value: 'name', group: load, choices: loadModes },
    help: 'read, write, mixed, metadata (create, rename, delete) or sync (small writes, each waited for)',
  }),
  workers: count({
    ...{ name: '--workers', value: 'number', group: load },
    ...{ help: 'how many do so at the same time (default: {default})', min: 1, max: 256, default: '1' },
  }),
  size: bytes({
    ...{ name: '--size', value: 'size', group: load },
    help: "of each worker's file (default: {default})",
    default: formatQuantity(defaultSizeBytes),
    // stress-ng takes no less for a file.
    min: 2 ** 20,
    max: maxBytes,
  }),
  blockSize: bytes({
    ...{ name: '--block-size', value: 'size', group: load },
    help: 'of each read or write (default: 1Mi to write, 64Ki mixed, 4Ki to sync)',
    min: sectorBytes,
    max: 4 * 2 ** 20,
  }),
  // Read only to say why not.
  rate: text({ name: '--rate', value: 'rate', group: load, help: '', isHidden: true }),
  fill: text({
    ...{ name: '--fill', value: 'size|percent', group: fill },
    help: 'take so much space, or until so much of what the target may use is in use: 2Gi, 95%',
  }),
  fillInodes: text({
    ...{ name: '--fill-inodes', value: 'number|percent', group: fill },
    help: 'take so many inodes, or until so many are in use: 10k, 95%',
  }),
  leave: bytes({
    ...{ name: '--leave', value: 'size', group: fill },
    help: 'what stays free whatever is asked (default: {default})',
    default: formatQuantity(defaultLeaveBytes),
    min: 0,
    max: maxBytes,
  }),
  throttle: list({
    ...{ name: '--throttle', value: 'limits', group: throttle },
    help: 'at most so much a second: write=1Mi,read=4Mi in bytes, write-iops=50,read-iops=100 in operations',
  }),
};
