import type { V1Container, V1Pod, V1Probe } from '@kubernetes/client-node';
import type { ExecProbe, NetworkProbe } from '../ports.ts';

/**
 * The probes of all containers of the pod that come over the network. Without those that the kubelet sends no more, a startup probe once the container
 * has started, and those whose port is a name that the container does not have, which fail in any case. Pure.
 */
export function networkProbes(pod: V1Pod): NetworkProbe[] {
  return probesOf(pod, toNetworkProbe);
}

/** The same of those that are commands. */
export function execProbes(pod: V1Pod): ExecProbe[] {
  return probesOf(pod, toExecProbe);
}

function probesOf<Probe extends { isFinal?: true }>(
  pod: V1Pod,
  read: (kind: NetworkProbe['kind'], probe: V1Probe | undefined, container: V1Container) => Probe[],
): Probe[] {
  return longLived(pod).flatMap((container) => {
    const { livenessProbe, readinessProbe, startupProbe } = container;
    const isFinal = (container.restartPolicy ?? pod.spec?.restartPolicy) === 'Never';
    const all = [
      ...(hasStarted(pod, container.name) ? [] : read('startup', startupProbe, container)),
      ...read('liveness', livenessProbe, container),
      ...read('readiness', readinessProbe, container),
    ];
    return isFinal ? all.map((probe) => ({ ...probe, isFinal })) : all;
  });
}

/** Containers that go on while the pod runs: sidecars are init containers with a restart policy of their own. */
export function longLived(pod: V1Pod): V1Container[] {
  const sidecars = (pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  return [...(pod.spec?.containers ?? []), ...sidecars];
}

function hasStarted({ status }: V1Pod, container: string): boolean {
  const all = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  return all.find(({ name }) => name === container)?.started === true;
}

/** The defaults are the API server's, which fills them in. */
function toNetworkProbe(
  kind: NetworkProbe['kind'],
  probe: V1Probe | undefined,
  container: V1Container,
): NetworkProbe[] {
  const action = probe && actionOf(probe);
  const port = action && portNumber(action.port, container);
  if (!action || port === undefined) return [];
  const { by, path, host, hasOwnAgent } = action;
  return [
    {
      container: container.name,
      kind,
      by,
      port,
      ...(path ? { path } : {}),
      ...(host ? { host } : {}),
      ...(hasOwnAgent ? { hasOwnAgent } : {}),
      ...timesOf(probe),
    },
  ];
}

function toExecProbe(kind: NetworkProbe['kind'], probe: V1Probe | undefined, { name }: V1Container): ExecProbe[] {
  return probe?.exec ? [{ container: name, kind, by: 'exec', ...timesOf(probe) }] : [];
}

function timesOf({ periodSeconds, timeoutSeconds, failureThreshold }: V1Probe) {
  return {
    periodSeconds: periodSeconds || 10,
    timeoutSeconds: timeoutSeconds || 1,
    failureThreshold: failureThreshold || 3,
  };
}

interface Action {
  by: NetworkProbe['by'];
  port: number | string;
  path?: string | undefined;
  host?: string | undefined;
  hasOwnAgent?: boolean;
}

function actionOf({ httpGet, tcpSocket, grpc }: V1Probe): Action | undefined {
  if (httpGet) {
    const by = httpGet.scheme?.toUpperCase() === 'HTTPS' ? 'https' : 'http';
    const hasOwnAgent = httpGet.httpHeaders?.some(({ name }) => name.toLowerCase() === 'user-agent') === true;
    return { by, port: httpGet.port as number | string, path: httpGet.path, host: httpGet.host, hasOwnAgent };
  }
  if (tcpSocket) return { by: 'tcp', port: tcpSocket.port as number | string, host: tcpSocket.host };
  return grpc ? { by: 'grpc', port: grpc.port } : undefined;
}

/** As the kubelet resolves it: a name among the ports of the same container, or a number written as a text. */
function portNumber(port: number | string, { ports = [] }: V1Container): number | undefined {
  const number = ports.find(({ name }) => name === port)?.containerPort ?? Number(port);
  return Number.isInteger(number) && number >= 1 && number <= 65_535 ? number : undefined;
}
