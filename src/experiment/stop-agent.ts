import { ChaosError } from '../errors.ts';
import type { Agent, Clock, Cluster } from '../ports.ts';
import { parseShimEvent, parseTerminationMessage, type ShimEvent } from '../shim/protocol.ts';
import { failedShim } from './agent-errors.ts';
import { firstContainer } from './plan.ts';

/** What the shim itself has said of its revert: that it is done, that it may not be, with the reason, or nothing. */
export type RevertReport = { reverted: true } | { reverted: false; why?: string };

/**
 * From the end of a shim to its kubelet's report of that, which is due at its next look, within a second or two. A deletion that overtakes
 * the report is seen through by a kubelet of 1.20 only up to a minute later.
 */
export const endReportMs = 5_000;

/**
 * Tells the shim itself to stop and hears its word that it has reverted, which the kubelet takes seconds to report, and
 * an old one now and then a minute. One that has ended by itself has left its word with the kubelet. Without a word, for
 * want of the right to attach or of a shim that listens, only the end of its pod can tell. Never rejects.
 * `limitMs`: for all of that; `silentMs`: for what the kubelet may have to report of a shim that does not answer.
 */
export async function stopAgent(
  agent: Agent,
  { limitMs, silentMs }: { limitMs: number; silentMs: number },
  cluster: Cluster,
  clock: Clock,
): Promise<RevertReport> {
  const abort = new AbortController();
  const cancels = [clock.after(limitMs, () => abort.abort())];
  const told = async (): Promise<RevertReport> => {
    const word = await tell(agent, cluster, abort.signal);
    if (word) return word;
    await new Promise<void>((resolve) => cancels.push(clock.after(silentMs, resolve)));
    return unknown;
  };
  try {
    return await Promise.race([told(), reported(agent, cluster, abort.signal)]);
  } finally {
    for (const cancel of cancels) cancel();
    abort.abort();
  }
}

const unknown: RevertReport = { reverted: false };

/** What the shim answers; undefined: nothing, and it may have ended. */
async function tell(agent: Agent, cluster: Cluster, signal: AbortSignal): Promise<RevertReport | undefined> {
  try {
    const attachment = await cluster.attach(agent, firstContainer, signal);
    // Of whoever was killed in the middle of a line the shim has its beginning, which an empty line ends.
    await attachment.send('');
    await attachment.send('stop');
    for await (const line of attachment.stdout) {
      const event = parseShimEvent(line);
      const word = event && reportOf(event);
      if (word) return word;
    }
    return undefined;
  } catch (error) {
    return error instanceof ChaosError && error.barsAttach ? unknown : undefined;
  }
}

/** What it has left with the kubelet, once that reports its end. Where its pod may not be watched, never. */
async function reported(agent: Agent, cluster: Cluster, signal: AbortSignal): Promise<RevertReport> {
  try {
    for await (const update of cluster.followAgent(agent, signal)) {
      const state = update.kind === 'status' ? update.containers[firstContainer] : undefined;
      if (state?.state === 'terminated') return lastReport(state.message);
    }
    return unknown;
  } catch {
    return new Promise(() => undefined);
  }
}

/** The last of a shim that has ended, from its container's termination message. */
export function lastReport(message: string): RevertReport {
  const words = parseTerminationMessage(message).flatMap((event) => reportOf(event) ?? []);
  return words.at(-1) ?? unknown;
}

function reportOf(event: ShimEvent): RevertReport | undefined {
  if (event.event === 'reverted') return { reverted: true };
  if (event.event !== 'error') return undefined;
  return event.state.startsWith('unknown') ? { reverted: false, why: failedShim(event) } : { reverted: true };
}
