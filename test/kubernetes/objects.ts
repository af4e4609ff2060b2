import type { V1Node, V1Pod } from '@kubernetes/client-node';
import type { SelectedTarget } from '../../src/ports.ts';

/** A running pod `web` with the containers app and proxy, as an API server gives it; `change` edits it. */
export function runningPod(
  change: (pod: Required<Pick<V1Pod, 'metadata' | 'spec' | 'status'>>) => void = () => undefined,
): V1Pod {
  const pod = {
    kind: 'Pod',
    metadata: {
      name: 'web',
      namespace: 'shop',
      uid: 'uid-web',
      resourceVersion: '10',
      creationTimestamp: new Date('2026-01-01T00:00:00Z'),
    },
    spec: {
      nodeName: 'node-3',
      containers: [
        { name: 'app', image: 'i', resources: { limits: { cpu: '500m', memory: '128Mi' } } },
        { name: 'proxy', image: 'i' },
      ],
    },
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True' }],
      containerStatuses: ['app', 'proxy'].map((name) => ({
        name,
        containerID: `containerd://id-${name}`,
        restartCount: 0,
        state: { running: {} },
        ready: true,
        image: 'i',
        imageID: 'i',
      })),
    },
  } as Required<Pick<V1Pod, 'metadata' | 'spec' | 'status'>>;
  change(pod);
  return pod as V1Pod;
}

/** Gives the pod an init container `setup` that has ended, a sidecar `mesh`, and the ephemeral containers `debug` and `former`, of which one runs. */
export function withOthers({ spec, status }: Required<Pick<V1Pod, 'metadata' | 'spec' | 'status'>>): void {
  const running = (name: string) => ({
    ...{ name, containerID: `containerd://id-${name}`, restartCount: 0, ready: true, image: 'i', imageID: 'i' },
    state: { running: {} },
  });
  spec.initContainers = [
    { name: 'setup', image: 'i' },
    {
      ...{ name: 'mesh', image: 'mesh:1', restartPolicy: 'Always' },
      resources: { limits: { cpu: '100m', memory: '64Mi' } },
      volumeMounts: [{ name: 'certs', mountPath: '/certs' }],
    },
  ];
  spec.ephemeralContainers = [
    { name: 'debug', image: 'i' },
    { name: 'former', image: 'i' },
  ];
  const ended = { terminated: { exitCode: 0, reason: 'Completed' } };
  status.initContainerStatuses = [{ ...running('setup'), state: ended, ready: false }, running('mesh')];
  status.ephemeralContainerStatuses = [running('debug'), { ...running('former'), state: ended, ready: false }];
}

export function readyNode(
  change: (node: Required<Pick<V1Node, 'metadata' | 'status'>>) => void = () => undefined,
): V1Node {
  const node = {
    kind: 'Node',
    metadata: { name: 'node-3', labels: { 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64' } },
    status: {
      capacity: { cpu: '4', memory: '9Gi' },
      allocatable: { cpu: '3900m', memory: '8Gi' },
      nodeInfo: { operatingSystem: 'linux', architecture: 'amd64' },
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  } as unknown as Required<Pick<V1Node, 'metadata' | 'status'>>;
  change(node);
  return node as V1Node;
}

export const webTarget: SelectedTarget = {
  image: 'i',
  namespace: 'shop',
  pod: 'web',
  podUid: 'uid-web',
  container: 'app',
  containerId: 'id-app',
  runtime: 'containerd',
  node: 'node-3',
  architecture: 'amd64',
  restartCount: 0,
  containers: 2,
};
