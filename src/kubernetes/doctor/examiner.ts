import type { Examiner } from '../../facts.ts';
import type { ConnectionOptions } from '../../ports.ts';
import { type ConnectPorts, connectWithRest, type KubernetesCluster } from '../cluster.ts';
import type { Rest } from '../rest.ts';
import { namespaceFacts } from './namespace.ts';
import { heartbeat, nodeFacts, roomFacts } from './node.ts';
import { podFacts } from './pod.ts';
import { missingRights, userName } from './rights.ts';
import { serverFacts } from './server.ts';
import { attachUpgrade, watchUpgrade } from './web-socket.ts';
import { budgetFacts, workloadFacts } from './workload.ts';

/** Reads the kubeconfig; sends nothing yet. Throws ChaosError kubeconfig. */
export function connectExaminer(options: ConnectionOptions, ports: ConnectPorts): Examiner {
  const { rest, cluster } = connectWithRest(options, ports);
  return examinerOf(rest, cluster);
}

/** Of a cluster that speaks by `rest`. */
export function examinerOf(rest: Rest, cluster: KubernetesCluster): Examiner {
  return {
    cluster,
    credentials: () => rest.credential(),
    server: () => serverFacts(rest, () => new Date()),
    missing: (asked) => missingRights(rest, asked),
    user: () => userName(rest),
    namespace: (name) => namespaceFacts(rest, name),
    watchUpgrade: (namespace, pod) => watchUpgrade(rest, namespace, pod),
    attachUpgrade: (namespace) => attachUpgrade(rest, namespace),
    pod: (query) => podFacts(rest, query, query.namespace ?? cluster.namespace),
    node: (name) => nodeFacts(rest, name),
    room: (node, shape) => roomFacts(rest, node, shape),
    heartbeat: (node) => heartbeat(rest, node),
    workload: (pod) => workloadFacts(rest, pod),
    budgets: (pod) => budgetFacts(rest, pod),
  };
}
