import type { V1Status } from '@kubernetes/client-node';

/**
 * The channels of attach and exec over a WebSocket: each binary message is one byte of channel and then its data.
 * https://pkg.go.dev/k8s.io/apimachinery/pkg/util/remotecommand
 */
export const Channel = {
  stdin: 0,
  stdout: 1,
  stderr: 2,
  /** One Status, when the container or the stream has ended. */
  error: 3,
  resize: 4,
  /** v5 only: half-closes the channel in the second byte. */
  close: 255,
} as const;

/** In our order of preference; v5 adds only the half-close. */
const subprotocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io'] as const;

/** Which subprotocols an attach offers: one that opened a stream through which nothing came is not offered again while there is another. */
export class Offers {
  readonly #silent = new Set<string>();

  get names(): readonly string[] {
    const others = subprotocols.filter((name) => !this.#silent.has(name));
    return others.length > 0 ? others : subprotocols.slice(-1);
  }

  /** There is none to try after this one. */
  isLast(name: string): boolean {
    return name === subprotocols.at(-1);
  }

  wasSilent(name: string): void {
    this.#silent.add(name);
  }

  /** In the order in which they were tried. */
  get silent(): readonly string[] {
    return [...this.#silent];
  }
}

export function encodeFrame(channel: number, data: string | Buffer): Buffer {
  return Buffer.concat([Buffer.of(channel), typeof data === 'string' ? Buffer.from(data, 'utf8') : data]);
}

/** Undefined for an empty message, which some servers send to say that the stream is open. */
export function decodeFrame(message: Buffer): { channel: number; data: Buffer } | undefined {
  const channel = message[0];
  return channel === undefined ? undefined : { channel, data: message.subarray(1) };
}

/** What a Status on the error channel says about the end of the stream. */
export function streamEnd(text: string): { clean: boolean; reason: string } {
  let status: V1Status;
  try {
    status = JSON.parse(text) as V1Status;
  } catch {
    return { clean: false, reason: text.trim() || 'the stream ended with an unreadable status' };
  }
  if (status.status === 'Success') return { clean: true, reason: 'the container ended' };
  return { clean: false, reason: status.message || status.reason || 'the stream ended with a failure' };
}
