import type { AnswerEvent } from '../../src/shim/protocol.ts';
import { answer } from './samples.ts';

/** A process of the container, as it stands in an answer to `signal`. */
export interface FakeProcess {
  pid: number;
  comm: string;
  /** Signals by number. */
  blocked?: readonly number[];
  ignored?: readonly number[];
  caught?: readonly number[];
  /** It has not ended when that is looked for last. */
  stays?: boolean;
}

/** That of the usual target. */
export const fakeContainer = 'a'.repeat(64);

/** What `nsexec hold` answers to `signal` in a container with these processes. */
export class ProcessShim {
  /** Of each container by its id; of one that is not here there is no process. */
  readonly containers = new Map<string, FakeProcess[]>([[fakeContainer, [{ pid: 1, comm: 'nginx', caught: [15] }]]]);
  /** The orders that it got: container, number, milliseconds and the pattern. */
  readonly orders: string[][] = [];
  /** By id, what it says instead of the usual. */
  readonly instead = new Map<string, Partial<AnswerEvent>>();
  /** Ids that it never answers. */
  readonly silentTo = new Set<string>();

  hear(line: string): AnswerEvent | undefined {
    const [verb = '', id = '', ...words] = line.split(' ').map(decodeURIComponent);
    if (verb !== 'signal') return undefined;
    this.orders.push(words);
    if (this.silentTo.has(id)) return undefined;
    const processes = this.containers.get(words[0] ?? '');
    if (!processes) return answer({ id, exitCode: 2, stdout: 'no-container', stderr: 'it has ended' });
    const stdout = processes.map((process) => lineOf(process, words[1] === '0')).join('');
    return answer({ id, stdout, ...this.instead.get(id) });
  }
}

function lineOf({ pid, comm, blocked = [], ignored = [], caught = [], stays }: FakeProcess, isLook: boolean): string {
  const set = (signals: readonly number[]) =>
    signals
      .reduce((sum, signal) => sum | (1n << BigInt(signal - 1)), 0n)
      .toString(16)
      .padStart(16, '0');
  const sets = `SigBlk:\t${set(blocked)}\nSigIgn:\t${set(ignored)}\nSigCgt:\t${set(caught)}`;
  return `${pid}\n${sets}\n${isLook || stays ? 'there' : 'ended'} ${comm}\n`;
}
