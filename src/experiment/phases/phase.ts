import type { AgentUpdate, NodeUpdate, StandingUpdate, TargetUpdate } from '../../ports.ts';
import type { ShimEvent } from '../../shim/protocol.ts';
import type { ConnectionLoss } from '../connection.ts';
import type { TimerName } from '../timeouts.ts';

/** One part of a run: what it does about each thing that can happen. */
export interface Phase {
  onAgent(update: AgentUpdate): void;
  onAttached(): void;
  onLost(loss: ConnectionLoss): void;
  onEvent(event: ShimEvent): void;
  onTarget(update: TargetUpdate): void;
  onNode(update: NodeUpdate): void;
  /** Of a fault that ends its target. */
  onStanding(update: StandingUpdate): void;
  onTimer(name: TimerName): void;
  /** A watch cannot go on (rights taken away, a defect). */
  onBroken(error: unknown): void;
  /** The fault, or what was to become of it, is to end; `why` in words. */
  stop(why: string): void;
}
