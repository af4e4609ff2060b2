import type { V1Endpoint, V1EndpointSlice, V1OwnerReference, V1Pod } from '@kubernetes/client-node';
import { describe, expect, test } from 'vitest';
import { prospectsOf } from '../../src/kubernetes/prospects.ts';
import { servicesOf, standingOf } from '../../src/kubernetes/standing.ts';
import { podLists } from '../../src/kubernetes/standing-watch.ts';
import { target } from '../fakes/samples.ts';
import { runningPod } from './objects.ts';

const owner: V1OwnerReference = {
  ...{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d4', uid: 'rs', controller: true },
};
const at = target({ pod: 'web', podUid: 'uid-web', container: 'app' });

function podOf(
  name: string,
  change: (pod: Required<Pick<V1Pod, 'metadata' | 'spec' | 'status'>>) => void = () => undefined,
): V1Pod {
  return runningPod((pod) => {
    pod.metadata.name = name;
    pod.metadata.uid = `uid-${name}`;
    pod.metadata.ownerReferences = [owner];
    change(pod);
  });
}

function slice(service: string, endpoints: V1Endpoint[], addressType = 'IPv4'): V1EndpointSlice {
  return { metadata: { labels: { 'kubernetes.io/service-name': service } }, addressType, endpoints };
}
const endpoint = (uid: string, ready?: boolean): V1Endpoint => ({
  ...{ addresses: [`10.0.0.${uid.length}`], targetRef: { kind: 'Pod', uid } },
  ...(ready === undefined ? {} : { conditions: { ready } }),
});

const web = podOf('web');
const other = podOf('other');

describe('how things stand', () => {
  test('is told of the pod, its container, and all that its keeper has made', () => {
    const foreign = podOf('foreign', ({ metadata }) => {
      metadata.ownerReferences = [{ ...owner, uid: 'another' }];
    });
    const standing = standingOf(at, web, { pods: [web, other, foreign], slices: undefined }, []);
    expect(standing).toEqual({
      pod: { isReady: true, isBeingDeleted: false, phase: 'Running' },
      container: { id: 'id-app', restartCount: 0, state: 'running', isReady: true },
      readyPods: 2,
      others: [{ name: 'other', uid: 'uid-other', isReady: true }],
    });
  });

  test('counts no pod as ready that is being deleted', () => {
    const leaving = podOf('web', ({ metadata }) => {
      metadata.deletionTimestamp = new Date();
    });
    const { pod, readyPods } = standingOf(at, web, { pods: [leaving, other], slices: [] }, []);
    expect(pod).toMatchObject({ isReady: true, isBeingDeleted: true });
    expect(readyPods).toBe(1);
  });

  test('knows a pod by its uid: another of its name is another', () => {
    const next = podOf('web', ({ metadata }) => {
      metadata.uid = 'next';
    });
    const standing = standingOf(at, web, { pods: [next], slices: [] }, []);
    expect(standing.pod).toBeUndefined();
    expect(standing.others).toEqual([{ name: 'web', uid: 'next', isReady: true }]);
  });

  test('of a container that waits to be started again tells why, and how it ended', () => {
    const waiting = podOf('web', ({ status }) => {
      const [app] = status.containerStatuses ?? [];
      if (!app) return;
      app.ready = false;
      app.restartCount = 3;
      app.state = { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 40s' } };
      app.lastState = { terminated: { exitCode: 137, signal: 9, reason: 'Error' } };
    });
    expect(standingOf(at, web, { pods: [waiting], slices: [] }, []).container).toEqual({
      ...{ id: 'id-app', restartCount: 3, state: 'waiting', isReady: false },
      waiting: { reason: 'CrashLoopBackOff', message: 'back-off 40s' },
      end: { exitCode: 137, signal: 9, reason: 'Error' },
    });
  });

  test('of a pod that nothing makes counts itself alone', () => {
    const bare = podOf('web', ({ metadata }) => {
      delete metadata.ownerReferences;
    });
    expect(standingOf(at, bare, { pods: [bare, other], slices: [] }, [])).toMatchObject({ readyPods: 1, others: [] });
  });
});

describe('the services of a pod', () => {
  const slices = [
    slice('web', [endpoint('uid-web', true), endpoint('uid-other', true), endpoint('uid-late', false)]),
    slice('web', [endpoint('uid-web', true), endpoint('uid-other', true)], 'IPv6'),
    slice('admin', [endpoint('uid-web', false), endpoint('uid-other')]),
    slice('db', [endpoint('uid-db', true)]),
  ];

  test('are those that have it among their endpoints, ready or not', () => {
    expect(servicesOf('uid-web', slices)).toEqual(['admin', 'web']);
    expect(servicesOf('uid-nobody', slices)).toEqual([]);
  });

  test('have each endpoint once, whatever the families; what is not said counts as ready', () => {
    expect(standingOf(at, web, { pods: [web], slices }, ['admin', 'web']).services).toEqual([
      { name: 'admin', ready: 1 },
      { name: 'web', ready: 2 },
    ]);
  });
});

describe('what becomes of a pod', () => {
  test('is told by its controller, its policy and its grace period', () => {
    const pod = podOf('web', ({ spec }) => {
      spec.restartPolicy = 'OnFailure';
      spec.terminationGracePeriodSeconds = 5;
    });
    expect(prospectsOf(pod, 'app')).toEqual({
      ...{ keeper: 'replicaset/web-5d4', isStatic: false, restartPolicy: 'OnFailure', graceSeconds: 5 },
    });
  });

  test('of a static pod is its kubelet’s to say', () => {
    const pod = podOf('web', ({ metadata }) => {
      metadata.ownerReferences = [{ ...owner, kind: 'Node', name: 'node-3' }];
    });
    expect(prospectsOf(pod, 'app')).toEqual({ isStatic: true, restartPolicy: 'Always', graceSeconds: 30 });
  });

  test('is told of a sidecar by its own policy', () => {
    const pod = podOf('web', ({ spec }) => {
      spec.restartPolicy = 'Never';
      spec.initContainers = [{ name: 'mesh', image: 'i', restartPolicy: 'Always' }];
    });
    expect(prospectsOf(pod, 'mesh').restartPolicy).toBe('Always');
    expect(prospectsOf(pod, 'app').restartPolicy).toBe('Never');
  });
});

test('pods are listed by as little as can be', () => {
  const hashed = podOf('a', ({ metadata }) => {
    metadata.labels = { 'pod-template-hash': '5d4' };
  });
  const bare = podOf('b', ({ metadata }) => {
    delete metadata.ownerReferences;
  });
  expect(podLists([hashed, hashed, bare])).toEqual([
    { labelSelector: 'pod-template-hash=5d4' },
    { fieldSelector: 'metadata.name=b' },
  ]);
  expect(podLists([hashed, podOf('of-a-stateful-set')])).toEqual([{}]);
});
