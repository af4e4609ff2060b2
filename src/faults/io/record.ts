import * as v from 'valibot';
import type { Volume } from '../../ports.ts';
import { amount, longestText, matching, percent, read, text } from '../common/schemas.ts';
import type { FaultRecord } from '../fault.ts';
import { type IoFault, loadModes } from './types.ts';

/** The kernel's PATH_MAX. */
const longestPath = 4_096;

const load = v.strictObject({
  kind: v.literal('load'),
  mode: v.picklist(loadModes),
  workers: amount,
  sizeBytes: amount,
  blockBytes: v.exactOptional(amount),
});
const share = v.strictObject({ percent });
const fill = v.strictObject({
  kind: v.literal('fill'),
  leaveBytes: v.exactOptional(amount),
  space: v.exactOptional(v.union([v.strictObject({ bytes: amount }), share])),
  inodes: v.exactOptional(v.union([v.strictObject({ count: amount }), share])),
});
const throttle = v.strictObject({
  kind: v.literal('throttle'),
  limits: v.strictObject({
    readBytesPerSecond: v.exactOptional(amount),
    writeBytesPerSecond: v.exactOptional(amount),
    readOpsPerSecond: v.exactOptional(amount),
    writeOpsPerSecond: v.exactOptional(amount),
  }),
});

const ioRecord = v.strictObject({
  fault: v.literal('io'),
  path: matching(/^\/\P{Cc}*$/u, longestPath),
  allowNodeDisk: v.boolean(),
  asRoot: v.exactOptional(v.literal(true)),
  action: v.variant('kind', [load, fill, throttle]),
  directory: matching(/^\.kubectl-chaos-[a-z0-9.-]{1,50}$/),
  /** Of the volumes only the one that the path is in. */
  volume: v.strictObject({
    kind: text,
    name: text,
    mountPath: text,
    readOnly: v.boolean(),
    detail: v.exactOptional(text),
  }),
});

export const record: FaultRecord<IoFault> = {
  write({ surroundings, ...rest }) {
    return { ...rest, volume: shortened(surroundings.volume) };
  },
  read(value) {
    const found = read(ioRecord, value);
    if (!found) return undefined;
    const { volume, ...rest } = found;
    return { ...rest, surroundings: { volume } };
  },
};

/** A host's path, and what a container calls it, may be of any length. */
function shortened({ kind, name, detail, mountPath, readOnly }: Volume): Volume {
  const short = (text: string) => text.replace(/\p{Cc}/gu, ' ').slice(0, longestText);
  const withDetail = detail === undefined ? {} : { detail: short(detail) };
  return { kind: short(kind), name: short(name), ...withDetail, mountPath: short(mountPath), readOnly };
}
