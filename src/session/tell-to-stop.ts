import { targetContainer } from '../faults/plan.ts';
import type { Agent, Attachment, Clock, Cluster } from '../ports.ts';
import { parseShimEvent } from '../shim/protocol.ts';

/**
 * Tells the shim itself to stop and hears its word that it has reverted, which the kubelet takes seconds to report, and an old one now and then a minute. False: no such word was heard, for want of the right to
 * attach or of a shim that listens, and only the end of its pod can tell. Never rejects.
 */
export async function tellToStop(agent: Agent, limitMs: number, cluster: Cluster, clock: Clock): Promise<boolean> {
  const abort = new AbortController();
  let attachment: Attachment | undefined;
  const cancel = clock.after(limitMs, () => {
    abort.abort();
    attachment?.close();
  });
  try {
    attachment = await cluster.attach(agent, targetContainer, abort.signal);
    await attachment.send('stop');
    return await hasReverted(attachment);
  } catch {
    return false;
  } finally {
    cancel();
    attachment?.close();
  }
}

async function hasReverted(attachment: Attachment): Promise<boolean> {
  for await (const line of attachment.stdout) {
    const event = parseShimEvent(line);
    if (event?.event === 'reverted') return true;
    if (event?.event === 'error') return !event.state.startsWith('unknown');
  }
  return false;
}
