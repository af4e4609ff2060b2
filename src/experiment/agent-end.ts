import { ChaosError } from '../errors.ts';
import type { Agent, AgentSpec, Clock, Cluster, ContainerStatus } from '../ports.ts';
import { parseTerminationMessage } from '../shim/protocol.ts';
import { shimFailure, startupFailure, withChanges } from './agent-errors.ts';
import { StartTroubles } from './kubelet-refusals.ts';

/** A node that has to pull the image first may take minutes. */
const limitMs = 300_000;

export type Terminated = Extract<ContainerStatus, { state: 'terminated' }>;

/**
 * Follows an agent that does its work by itself, without a fault, until its one container has ended. `isDone`: it has ended as it should.
 * @throws ChaosError with the shim's own words, or why it did not start or end.
 */
export async function agentEnd(
  spec: AgentSpec,
  agent: Agent,
  { cluster, clock }: { cluster: Cluster; clock: Clock },
  signal: AbortSignal,
  isDone: (status: Terminated) => boolean,
): Promise<Terminated> {
  const container = spec.containers[0]?.name ?? '';
  const stop = new AbortController();
  const cancel = clock.after(limitMs, () => stop.abort());
  const troubles = new StartTroubles(spec);
  try {
    for await (const update of cluster.followAgent(agent, AbortSignal.any([signal, stop.signal]))) {
      const status = update.kind === 'status' ? update.containers[container] : undefined;
      if (status?.state === 'terminated') {
        const error = parseTerminationMessage(status.message).find((event) => event.event === 'error');
        if (error) throw shimFailure(error, {});
        if (isDone(status)) return status;
      }
      const failure = startupFailure({ id: spec.id, agent: spec }, container, update) ?? troubles.after(update);
      if (failure) throw withChanges(failure, agent);
    }
    throw new ChaosError('agent-failed', `the agent did not end within ${limitMs / 60_000} minutes${troubles.why}`);
  } finally {
    cancel();
    stop.abort();
  }
}
