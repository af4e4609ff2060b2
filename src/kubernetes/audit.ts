import type { CoreV1Event } from '@kubernetes/client-node';
import type { AuditEvent, Target } from '../ports.ts';
import { resources } from './request.ts';
import type { Rest } from './rest.ts';

/** The API server refuses longer ones (validation of Event). */
const maxMessage = 1_024;

/** An Event about the target's pod, so that `kubectl describe pod` tells what was done to it, and by whom. */
export async function recordEvent(rest: Rest, target: Target, event: AuditEvent, now: Date): Promise<void> {
  const body: CoreV1Event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { generateName: `${target.pod.slice(0, 200)}.`, namespace: target.namespace },
    involvedObject: {
      apiVersion: 'v1',
      kind: 'Pod',
      namespace: target.namespace,
      name: target.pod,
      uid: target.podUid,
      fieldPath: `spec.containers{${target.container}}`,
    },
    type: event.type,
    reason: event.reason,
    message: event.message.length > maxMessage ? `${event.message.slice(0, maxMessage - 1)}…` : event.message,
    source: { component: 'kubectl-chaos' },
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
  };
  await rest.json({ verb: 'create', resource: resources.events, namespace: target.namespace, body });
}
