import type { Agent, Attachment, Clock, Cluster } from '../ports.ts';
import { parseShimEvent, parseTerminationMessage, type ShimEvent } from '../shim/protocol.ts';
import { failedShim } from './agent-errors.ts';
import { agentContainer } from './plan.ts';

/** What the shim itself has said of its revert: that it is done, that it may not be, with the reason, or nothing. */
export type RevertReport = { reverted: true } | { reverted: false; why?: string };

/**
 * Tells the shim itself to stop and hears its word that it has reverted, which the kubelet takes seconds to report, and
 * an old one now and then a minute. Without a word, for want of the right to
 * attach or of a shim that listens, only the end of its pod can tell. Never rejects.
 */
export async function stopAgent(agent: Agent, limitMs: number, cluster: Cluster, clock: Clock): Promise<RevertReport> {
  const abort = new AbortController();
  let attachment: Attachment | undefined;
  const cancel = clock.after(limitMs, () => {
    abort.abort();
    attachment?.close();
  });
  try {
    attachment = await cluster.attach(agent, agentContainer, abort.signal);
    // Of whoever was killed in the middle of a line the shim has its beginning, which an empty line ends.
    await attachment.send('');
    await attachment.send('stop');
    for await (const line of attachment.stdout) {
      const event = parseShimEvent(line);
      const word = event && reportOf(event);
      if (word) return word;
    }
    return { reverted: false };
  } catch {
    return { reverted: false };
  } finally {
    cancel();
    attachment?.close();
  }
}

/** The last of a shim that has ended, from its container's termination message. */
export function lastReport(message: string): RevertReport {
  const words = parseTerminationMessage(message).flatMap((event) => reportOf(event) ?? []);
  return words.at(-1) ?? { reverted: false };
}

function reportOf(event: ShimEvent): RevertReport | undefined {
  if (event.event === 'reverted') return { reverted: true };
  if (event.event !== 'error') return undefined;
  return event.state.startsWith('unknown') ? { reverted: false, why: failedShim(event) } : { reverted: true };
}
