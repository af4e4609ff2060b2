import type { V1Probe } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { nodeSources } from '../../src/kubernetes/node-sources.ts';
import { execProbes, networkProbes } from '../../src/kubernetes/probes.ts';
import { readyNode, runningPod } from './objects.ts';

const defaults = { periodSeconds: 10, timeoutSeconds: 1, failureThreshold: 3 };

describe('networkProbes', () => {
  it.each<[what: string, probe: V1Probe, expected: object]>([
    ['http', { httpGet: { port: 80, path: '/ok' } }, { by: 'http', port: 80, path: '/ok' }],
    [
      'a User-Agent of the pod’s choice',
      { httpGet: { port: 80, httpHeaders: [{ name: 'user-agent', value: 'probe' }] } },
      { by: 'http', port: 80, hasOwnAgent: true },
    ],
    ['https', { httpGet: { port: 443, scheme: 'HTTPS' } }, { by: 'https', port: 443 }],
    ['another host', { httpGet: { port: 80, host: '127.0.0.1' } }, { by: 'http', port: 80, host: '127.0.0.1' }],
    ['tcp', { tcpSocket: { port: 5432 } }, { by: 'tcp', port: 5432 }],
    ['grpc', { grpc: { port: 9000 } }, { by: 'grpc', port: 9000 }],
    ['a port by its name', { httpGet: { port: 'web' } }, { by: 'http', port: 8080 }],
    ['a number as a text', { tcpSocket: { port: '5432' } }, { by: 'tcp', port: 5432 }],
    [
      'its own times',
      { grpc: { port: 9000 }, periodSeconds: 2, timeoutSeconds: 5, failureThreshold: 1 },
      { by: 'grpc', port: 9000, periodSeconds: 2, timeoutSeconds: 5, failureThreshold: 1 },
    ],
  ])('reads %s', (_what, livenessProbe, expected) => {
    const pod = runningPod((each) => {
      each.spec.containers = [{ name: 'app', ports: [{ name: 'web', containerPort: 8080 }], livenessProbe }];
    });
    expect(networkProbes(pod)).toEqual([{ container: 'app', kind: 'liveness', ...defaults, ...expected }]);
  });

  it('leaves out what does not come over the network, and a port that the container does not have', () => {
    const pod = runningPod((each) => {
      each.spec.containers = [
        { name: 'app', livenessProbe: { exec: { command: ['true'] } }, readinessProbe: { httpGet: { port: 'web' } } },
        { name: 'proxy', ports: [{ name: 'web', containerPort: 8080 }] },
      ];
    });
    expect(networkProbes(pod)).toEqual([]);
  });

  it('reads those of sidecars, and of no other init container', () => {
    const livenessProbe = { tcpSocket: { port: 15021 } };
    const pod = runningPod((each) => {
      each.spec.initContainers = [
        { name: 'mesh', restartPolicy: 'Always', livenessProbe },
        { name: 'migrate', livenessProbe },
      ];
    });
    expect(networkProbes(pod).map(({ container }) => container)).toEqual(['mesh']);
  });

  it('knows which containers are not started again', () => {
    const livenessProbe = { grpc: { port: 1 } };
    const pod = runningPod((each) => {
      Object.assign(each.spec, { restartPolicy: 'Never' });
      each.spec.containers = [{ name: 'job', livenessProbe }];
      each.spec.initContainers = [{ name: 'mesh', restartPolicy: 'Always', livenessProbe }];
    });
    expect(networkProbes(pod).map(({ container, isFinal }) => `${container} ${isFinal}`)).toEqual([
      'job true',
      'mesh undefined',
    ]);
  });

  it('reads a startup probe until the container has started', () => {
    const pod = (started: boolean) =>
      runningPod((each) => {
        each.spec.containers = [
          { name: 'app', startupProbe: { grpc: { port: 1 } }, readinessProbe: { grpc: { port: 2 } } },
        ];
        for (const status of each.status.containerStatuses ?? []) status.started = started;
      });
    expect(networkProbes(pod(false)).map(({ kind }) => kind)).toEqual(['startup', 'readiness']);
    expect(networkProbes(pod(true)).map(({ kind }) => kind)).toEqual(['readiness']);
  });
});

describe('nodeSources', () => {
  const sources = (annotations: Record<string, string>, podCIDRs?: string[]) =>
    nodeSources(
      readyNode((node) => {
        node.metadata.annotations = annotations;
        Object.assign(node, { spec: podCIDRs ? { podCIDRs } : {} });
      }),
    ).map(({ address, what }) => `${address} ${what}`);

  it('are what Cilium and Calico write at the node', () => {
    expect(
      sources({
        'network.cilium.io/ipv4-cilium-host': '10.0.1.7',
        'network.cilium.io/ipv6-cilium-host': 'fd00::1:7',
        'projectcalico.org/IPv4IPIPTunnelAddr': '10.244.9.0',
        'projectcalico.org/IPv4VXLANTunnelAddr': 'none',
        'example.com/address': '10.0.0.1',
      }),
    ).toEqual([
      "10.0.1.7 Cilium's address of the node",
      "fd00::1:7 Cilium's address of the node",
      "10.244.9.0 Calico's address of the node",
    ]);
  });

  it('are the first addresses of its pod ranges, which flannel’s bridge has', () => {
    expect(sources({}, ['10.244.3.0/24', 'fd00:10:244:3::/64', ''])).toEqual([
      "10.244.3.1 first of the node's pod addresses",
      "fd00:10:244:3::1 first of the node's pod addresses",
    ]);
  });
});

describe('execProbes', () => {
  it('reads those that are commands, with their times', () => {
    const pod = runningPod((each) => {
      each.spec.restartPolicy = 'Never';
      each.spec.containers = [
        {
          name: 'app',
          livenessProbe: { exec: { command: ['true'] }, periodSeconds: 3, failureThreshold: 2 },
          readinessProbe: { httpGet: { port: 80 } },
        },
      ];
    });
    expect(execProbes(pod)).toEqual([
      {
        container: 'app',
        kind: 'liveness',
        by: 'exec',
        ...defaults,
        periodSeconds: 3,
        failureThreshold: 2,
        isFinal: true,
      },
    ]);
  });
});
