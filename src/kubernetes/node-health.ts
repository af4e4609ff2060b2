import type { V1Node } from '@kubernetes/client-node';

/** https://kubernetes.io/docs/reference/node/node-status/#condition */
const pressures: Readonly<Record<string, string>> = {
  MemoryPressure: 'is under memory pressure',
  DiskPressure: 'is under disk pressure',
  PIDPressure: 'is under PID pressure',
};

/** What is wrong with a node, by the condition that says so, as what follows its name in a sentence. A node that has reported nothing yet has nothing wrong. Pure. */
export function nodeTroubles(node: V1Node): Map<string, string> {
  const troubles = new Map<string, string>();
  for (const { type, status, reason, message } of node.status?.conditions ?? []) {
    const pressure = Object.hasOwn(pressures, type) ? pressures[type] : undefined;
    const why = message || reason;
    const because = why ? ` (${why})` : '';
    if (pressure !== undefined && status === 'True') troubles.set(type, `${pressure}${because}`);
    if (type === 'Ready' && status !== 'True') troubles.set(type, `is not ready${because}`);
  }
  return troubles;
}
