import type { Volume } from '../../ports.ts';
import type { PathEvent, PathFacts, Sample } from '../../shim/protocol.ts';

/** The words of the io fault: what is asked (by the user), whose disk it is, and what was seen of it. All of it is data. */

/** What the stressor does to the disk. */
export const loadModes = ['read', 'write', 'mixed', 'metadata', 'sync'] as const;
export type LoadMode = (typeof loadModes)[number];

export interface LoadRequest {
  kind: 'load';
  mode: LoadMode;
  /** ≥ 1. */
  workers: number;
  /** Of each worker's file, bytes; not of `metadata`, which writes none. */
  sizeBytes: number;
  /** Of one read or write, bytes; undefined: the mode's own. */
  blockBytes?: number;
}

/** An amount of what a file system has, as the user said it. */
export type SpaceAmount =
  /** Bytes more than are in use, > 0. */
  | { bytes: number }
  /** How full it is to be, percent of what the target's user may use; > 0 and ≤ 100. */
  | { percent: number };

export interface FillRequest {
  kind: 'fill';
  space?: SpaceAmount;
  /** As `space`, of inodes: `count` more, or how full. */
  inodes?: { count: number } | { percent: number };
  /** What stays free whatever is asked, bytes. Absent: `defaultLeave` of the file system. */
  leaveBytes?: number;
}

/** Each ≥ 1; at least one is there. */
export interface ThrottleLimits {
  readBytesPerSecond?: number;
  writeBytesPerSecond?: number;
  readOpsPerSecond?: number;
  writeOpsPerSecond?: number;
}

export interface ThrottleRequest {
  kind: 'throttle';
  limits: ThrottleLimits;
}

/** What `io` is asked to do. */
export interface IoRequest {
  fault: 'io';
  /** Absolute, in the target. */
  path: string;
  action: LoadRequest | FillRequest | ThrottleRequest;
  /** The fault may act on a disk that the node itself uses. */
  allowNodeDisk: boolean;
}

/** What an io fault depends on besides its target. */
export interface IoSurroundings {
  /** By the path as it was given; during a run (`IoRun.fault`) the one that the shim has found the path in. */
  volume: Volume;
  /** All that the container has, `root` among them. Absent: of a fault that was found in force. */
  volumes?: readonly Volume[];
}

/** An io fault as it is planned for one target. */
export interface IoFault extends Omit<IoRequest, 'fault'> {
  fault: 'io';
  surroundings: IoSurroundings;
  /** The name of the one directory that everything is in: `.kubectl-chaos-7f3k2-1a2b3c4d`. */
  directory: string;
  /** It is done by root of the container, not by its own user. */
  asRoot?: true;
}

/** What is known before anything changes. */
export interface PathReview {
  /** Undefined: it may begin. */
  refusal?: { message: string; hint: string };
  warnings: readonly string[];
}

/** What was seen of the path: in order. */
export interface IoObservation {
  /** Undefined: of a fault that was found in force they were not heard. */
  facts?: PathFacts;
  pathsBefore: readonly PathEvent[];
  pathsDuring: readonly PathEvent[];
  /** After the revert. */
  pathAfter?: PathEvent;
  /** The cgroup controller that counts what the target reads and writes: v1's, or v2's. Absent: neither, or not known. */
  counter?: 'blkio' | 'io';
  samplesBefore: readonly Sample[];
  samplesDuring: readonly Sample[];
  /** The last lines that the workload wrote. Absent: not heard. */
  output?: readonly string[];
}

/** What `-o json` says of an io fault's measure. Times are microseconds, rates are of a second. */
export interface IoMeasurement {
  /** Of the whole container, from its cgroup, on every disk. */
  readBytes?: number;
  writtenBytes?: number;
  readOps?: number;
  writtenOps?: number;
  /** Of the whole disk behind the path, whoever uses it. */
  diskReadBytes?: number;
  diskWrittenBytes?: number;
  diskReadOps?: number;
  diskWrittenOps?: number;
  seconds: number;
  /** Medians of a small write that is waited for. */
  writeUsBefore?: number;
  writeUsDuring?: number;
  readUsBefore?: number;
  readUsDuring?: number;
  availableBytesBefore: number;
  /** The least there was. */
  availableBytesDuring: number;
  availableBytesAfter?: number;
  inodesFreeBefore?: number;
  inodesFreeDuring?: number;
  inodesFreeAfter?: number;
  /** Share of the time in which some task waited for I/O, 0 … 1. */
  pressure?: number;
}
