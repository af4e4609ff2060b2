import type { Volume } from '../../ports.ts';
import {
  anyOf,
  type Check,
  fields,
  isAmount,
  isFlag,
  isPercent,
  isText,
  longestText,
  matching,
  oneOf,
} from '../common/checks.ts';
import type { FaultRecord } from '../fault.ts';
import { type IoFault, loadModes, type ThrottleLimits } from './types.ts';

/** Of the volumes only the one that the path is in. */
type IoRecord = Omit<IoFault, 'surroundings'> & { volume: Volume };

/** The kernel's PATH_MAX. */
const longestPath = 4_096;

const isLoad = fields(
  { kind: oneOf('load'), mode: oneOf(...loadModes), workers: isAmount, sizeBytes: isAmount },
  { blockBytes: isAmount },
);
const isFill = fields(
  { kind: oneOf('fill'), leaveBytes: isAmount },
  {
    space: anyOf(fields({ bytes: isAmount }), fields({ percent: isPercent })),
    inodes: anyOf(fields({ count: isAmount }), fields({ percent: isPercent })),
  },
);
const limitChecks: Readonly<Record<keyof ThrottleLimits, Check>> = {
  ...{ readBytesPerSecond: isAmount, writeBytesPerSecond: isAmount },
  ...{ readOpsPerSecond: isAmount, writeOpsPerSecond: isAmount },
};
const isThrottle = fields({ kind: oneOf('throttle'), limits: fields({}, limitChecks) });

const isIo = fields(
  {
    ...{ fault: oneOf('io'), path: matching(/^\/\P{Cc}*$/u, longestPath), allowNodeDisk: isFlag },
    action: anyOf(isLoad, isFill, isThrottle),
    directory: matching(/^\.kubectl-chaos-[a-z0-9.-]{1,50}$/),
    volume: fields({ kind: isText, name: isText, mountPath: isText, readOnly: isFlag }, { detail: isText }),
  },
  { asRoot: oneOf(true) },
);

export const record: FaultRecord<IoFault> = {
  write({ surroundings, ...rest }) {
    return { ...rest, volume: shortened(surroundings.volume) };
  },
  read(value) {
    if (!isIo(value)) return undefined;
    const { volume, ...rest } = value as IoRecord;
    return { ...rest, surroundings: { volume } };
  },
};

/** A host's path, and what a container calls it, may be of any length. */
function shortened({ kind, name, detail, mountPath, readOnly }: Volume): Volume {
  const short = (text: string) => text.replace(/\p{Cc}/gu, ' ').slice(0, longestText);
  const told = detail === undefined ? {} : { detail: short(detail) };
  return { kind: short(kind), name: short(name), ...told, mountPath: short(mountPath), readOnly };
}
