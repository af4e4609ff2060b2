import type { AnswerEvent } from '../../src/shim/protocol.ts';
import { answer } from './samples.ts';

/** What `nsexec hold` answers in the network of a pod with one interface on a bridge, on a kernel that has everything. */
export class NetShim {
  /** By id, what it says instead of the usual. */
  readonly instead = new Map<string, Partial<AnswerEvent>>();
  /** Ids that it never answers. */
  readonly silentTo = new Set<string>();
  /** By name. */
  readonly addresses = new Map<string, readonly string[]>();
  /** Undefined: the peer does not answer. */
  roundTripUs: number | undefined = 800;
  /** Who connects to a probed port while that is listened to, as the shim says it: `10.0.0.1 8080 kube-probe`. */
  sources: readonly string[] = [];
  packets = 0;
  dropped = 0;
  /** The ids of the counters that it was told of, those before the last `clear` forgotten. */
  #counts: string[] = [];

  /** What it says to a line, if it is one that is answered. */
  hear(line: string): AnswerEvent | undefined {
    const [verb = '', id = '', ...words] = line.split(' ').map(decodeURIComponent);
    if (verb === 'clear') this.#counts = [];
    if (verb === 'count') this.#counts.push(id);
    if (!['ask', 'fresh', 'lookup', 'connect', 'listen'].includes(verb) || this.silentTo.has(id)) return undefined;
    return answer({ id, ...this.#usual(verb, id, words[0] ?? ''), ...this.instead.get(id) });
  }

  /** One round of counters. */
  counts(): AnswerEvent[] {
    const leaf = { kind: 'netem', handle: 'c4a1:', dev: 'eth0', packets: this.packets - this.dropped };
    const stdout = JSON.stringify([{ ...leaf, bytes: 100 * this.packets, drops: this.dropped, backlog: 0, qlen: 0 }]);
    return this.#counts.map((id) => answer({ id, stdout, ...this.instead.get(id) }));
  }

  #usual(verb: string, id: string, name: string): Partial<AnswerEvent> {
    if (verb === 'connect') {
      return this.roundTripUs === undefined
        ? { exitCode: 1, stderr: 'timed out' }
        : { stdout: `${this.roundTripUs}\n` };
    }
    if (verb === 'listen') return { stdout: this.sources.map((line) => `${line}\n`).join('') };
    if (verb === 'lookup') {
      const found = this.addresses.get(name);
      return found ? { stdout: `${found.join('\n')}\n` } : { exitCode: 1, stderr: 'no such host' };
    }
    return { stdout: Object.hasOwn(tools, id) ? JSON.stringify(tools[id]) : '' };
  }
}

const tools: Readonly<Record<string, unknown>> = {
  links: [{ ifname: 'lo' }, { ifname: 'eth0', txqlen: 1000, linkinfo: { info_kind: 'veth' } }],
  routes: [
    { dst: 'default', gateway: '10.0.0.1', dev: 'eth0' },
    { dst: '10.0.0.0/24', dev: 'eth0' },
  ],
  qdiscs: [
    { kind: 'noqueue', handle: '0:', dev: 'lo', root: true },
    { kind: 'noqueue', handle: '0:', dev: 'eth0', root: true },
  ],
};
