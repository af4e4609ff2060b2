import type { V1Pod } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { chooseContainer } from '../../src/kubernetes/container-choice.ts';
import { architectureOfPod, checkNode, checkRuntimeClass, splitContainerId } from '../../src/kubernetes/node-check.ts';
import { similarFirst } from '../../src/kubernetes/not-found.ts';
import { choosePod, formatSelector } from '../../src/kubernetes/workload.ts';
import { readyNode, runningPod, withOthers } from './objects.ts';
import { thrown } from './support.ts';

describe('chooseContainer', () => {
  it('takes the one named, else the default container, else the first', () => {
    expect(chooseContainer(runningPod(), 'proxy').spec.name).toBe('proxy');
    expect(chooseContainer(runningPod(), undefined).spec.name).toBe('app');
    const annotated = runningPod(({ metadata }) => {
      metadata.annotations = { 'kubectl.kubernetes.io/default-container': 'proxy' };
    });
    expect(chooseContainer(annotated, undefined).spec.name).toBe('proxy');
    expect(chooseContainer(annotated, 'app').status.containerID).toBe('containerd://id-app');
  });

  it('takes a sidecar and an ephemeral container that runs, by their names alone', () => {
    const pod = runningPod(withOthers);
    expect(chooseContainer(pod, undefined).spec.name).toBe('app');
    const { spec, status } = chooseContainer(pod, 'mesh');
    expect({ spec, id: status.containerID }).toMatchObject({ spec: { image: 'mesh:1' }, id: 'containerd://id-mesh' });
    expect(chooseContainer(pod, 'debug').status.containerID).toBe('containerd://id-debug');
  });

  const appState = (state: object) =>
    runningPod(({ status }) => {
      const app = status.containerStatuses?.[0];
      if (app) app.state = state;
    });

  it.each<[string, V1Pod, string | undefined, string, string]>([
    ['no such container', runningPod(), 'ap', 'pod/web has no container "ap"', 'app, proxy'],
    [
      'an init container',
      runningPod(({ spec }) => Object.assign(spec, { initContainers: [{ name: 'setup' }] })),
      'setup',
      'is an init container',
      'app, proxy',
    ],
    [
      'a sidecar as the default',
      runningPod((pod) => {
        withOthers(pod);
        pod.metadata.annotations = { 'kubectl.kubernetes.io/default-container': 'mesh' };
      }),
      undefined,
      'container "mesh", the default of pod/web, is a sidecar, which is a target only by its name',
      '-c mesh, or one of its other containers: app, proxy, debug',
    ],
    [
      'an ephemeral container that has ended',
      runningPod(withOthers),
      'former',
      'container "former" of pod/web has terminated (Completed, exit code 0)',
      '',
    ],
    [
      'a name that none of the three lists has',
      runningPod(withOthers),
      'mash',
      'pod/web has no container "mash"',
      'app, proxy, mesh, debug',
    ],
    [
      'a waiting container',
      appState({ waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } }),
      'app',
      'is waiting (CrashLoopBackOff: back-off)',
      '',
    ],
    [
      'a terminated container',
      appState({ terminated: { reason: 'Error', exitCode: 3 } }),
      'app',
      'has terminated (Error, exit code 3)',
      '',
    ],
    ['an unreported container', appState({}), 'app', 'has not reported it', ''],
    [
      'a pod being deleted',
      runningPod(({ metadata }) => Object.assign(metadata, { deletionTimestamp: new Date() })),
      undefined,
      'is being deleted',
      'deploy/NAME',
    ],
    [
      'a completed pod',
      runningPod(({ status }) => Object.assign(status, { phase: 'Succeeded' })),
      undefined,
      'is completed: its phase is Succeeded',
      '',
    ],
    [
      'an evicted pod',
      runningPod(({ status }) =>
        Object.assign(status, { phase: 'Failed', reason: 'Evicted', message: 'low on memory' }),
      ),
      undefined,
      'Failed (Evicted: low on memory)',
      '',
    ],
    [
      'an unscheduled pod',
      runningPod(({ status }) =>
        Object.assign(status, {
          phase: 'Pending',
          conditions: [{ type: 'PodScheduled', status: 'False', message: '0/1 nodes' }],
        }),
      ),
      undefined,
      'it is not scheduled (0/1 nodes)',
      'kubectl describe pod/web -n shop',
    ],
    [
      'a pod that initializes',
      runningPod(({ status }) =>
        Object.assign(status, {
          phase: 'Pending',
          initContainerStatuses: [{ name: 'setup', state: { running: {} } }],
          containerStatuses: [],
        }),
      ),
      undefined,
      'init container "setup" has not ended yet',
      '',
    ],
    [
      'a pod without its image',
      runningPod(({ status }) =>
        Object.assign(status, {
          phase: 'Pending',
          containerStatuses: [{ name: 'app', state: { waiting: { reason: 'ErrImagePull' } } }],
        }),
      ),
      undefined,
      'container "app" is waiting (ErrImagePull)',
      '',
    ],
  ])('refuses %s', (_, pod, container, problem, hint) => {
    const error = thrown(() => chooseContainer(pod, container));
    expect(['target-unsuitable', 'not-found']).toContain(error.code);
    expect(error.message).toContain(problem);
    expect(String(error.hint)).toContain(hint);
  });

  it('takes a static pod like any other', () => {
    const mirror = runningPod(({ metadata }) => {
      metadata.annotations = { 'kubernetes.io/config.mirror': 'x' };
    });
    expect(chooseContainer(mirror, undefined).spec.name).toBe('app');
  });
});

describe('the node', () => {
  it('gives its architecture', () => {
    expect(checkNode(readyNode())).toBe('amd64');
    expect(checkNode(readyNode(({ status }) => Object.assign(status.nodeInfo ?? {}, { architecture: 'arm64' })))).toBe(
      'arm64',
    );
  });

  it.each([
    [
      'Windows',
      readyNode(({ status }) => Object.assign(status.nodeInfo ?? {}, { operatingSystem: 'windows' })),
      'node node-3 runs windows',
    ],
    [
      'not ready',
      readyNode(({ status }) =>
        Object.assign(status, { conditions: [{ type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown' }] }),
      ),
      'is not ready (NodeStatusUnknown',
    ],
    ['never heard of', readyNode(({ status }) => Object.assign(status, { conditions: [] })), 'it has never reported'],
    [
      'of another architecture',
      readyNode(({ status }) => Object.assign(status.nodeInfo ?? {}, { architecture: 's390x' })),
      '"s390x"; the shim is built for amd64 and arm64',
    ],
  ])('that is %s is refused', (_, node, problem) => {
    expect(thrown(() => checkNode(node))).toMatchObject({
      code: 'target-unsuitable',
      message: expect.stringContaining(problem),
    });
  });

  it('may be told from the pod alone', () => {
    const selecting = (spec: object) => architectureOfPod(runningPod((pod) => Object.assign(pod.spec, spec)));
    const affinity = (...values: string[][]) => ({
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: values.map((each) => ({
              matchExpressions: [{ key: 'kubernetes.io/arch', operator: 'In', values: each }],
            })),
          },
        },
      },
    });
    expect(selecting({})).toBeUndefined();
    expect(selecting({ nodeSelector: { 'kubernetes.io/arch': 'arm64' } })).toBe('arm64');
    expect(selecting(affinity(['arm64']))).toBe('arm64');
    expect(selecting(affinity(['arm64'], ['amd64']))).toBeUndefined();
    expect(selecting(affinity(['arm64', 'amd64']))).toBeUndefined();
  });
});

describe('the runtime class', () => {
  it.each(['kata', 'kata-qemu', 'gvisor', 'RunSC'])('%s is refused by its name', (name) => {
    expect(thrown(() => checkRuntimeClass(name, undefined))).toMatchObject({ code: 'target-unsuitable' });
  });

  it('is refused by its handler, and let through otherwise', () => {
    expect(thrown(() => checkRuntimeClass('sandboxed', { handler: 'runsc' })).message).toContain('handler runsc');
    checkRuntimeClass('nvidia', { handler: 'nvidia' });
    checkRuntimeClass('crun', undefined);
  });
});

describe('splitContainerId', () => {
  it.each([
    ['containerd://abc', { runtime: 'containerd', id: 'abc' }],
    ['cri-o://0f_.-Z', { runtime: 'cri-o', id: '0f_.-Z' }],
  ])('takes %s apart', (text, parts) => {
    expect(splitContainerId(text)).toEqual(parts);
  });

  it.each(['', 'abc', 'containerd://', 'containerd://../x', 'containerd://a b'])('refuses %j', (text) => {
    expect(thrown(() => splitContainerId(text)).code).toBe('target-unsuitable');
  });
});

describe('choosePod', () => {
  const named = (
    name: string,
    created: string,
    change: (pod: Required<Pick<V1Pod, 'metadata' | 'spec' | 'status'>>) => void = () => undefined,
  ) =>
    runningPod((pod) => {
      Object.assign(pod.metadata, { name, creationTimestamp: created });
      change(pod);
    });
  const notReady = named('b', '2026-01-01T00:00:00Z', ({ status }) =>
    Object.assign(status, { conditions: [{ type: 'Ready', status: 'False' }] }),
  );
  const deleted = named('c', '2026-01-01T00:00:00Z', ({ metadata }) =>
    Object.assign(metadata, { deletionTimestamp: new Date() }),
  );

  it('takes the oldest that is running and ready, then the first by name, whatever the order', () => {
    const pods = [
      named('z', '2026-01-02T00:00:00Z'),
      named('y', '2026-01-02T00:00:00Z'),
      named('x', '2026-01-03T00:00:00Z'),
      notReady,
      deleted,
    ];
    for (const order of [pods, pods.toReversed()]) {
      const { pod, runningPods } = choosePod(order, 'deployment/web');
      expect(pod.metadata?.name).toBe('y');
      expect(runningPods).toBe(4);
    }
  });

  it('says how the pods are when none will do', () => {
    const error = thrown(() => choosePod([notReady, deleted], 'deployment/web'));
    expect(error.message).toBe(
      'no pod of deployment/web is running and ready: b (Running, not ready), c (being deleted)',
    );
    expect(error.hint).toContain('pod/NAME');
    expect(thrown(() => choosePod([], 'deployment/web'))).toMatchObject({
      message: 'deployment/web has no pods',
      hint: 'scale it up, or name another target',
    });
    expect(thrown(() => choosePod([], 'service/web'))).toMatchObject({
      message: 'service/web has no pods',
      hint: 'its selector matches no pod: kubectl get service/web -o wide; or name another target',
    });
  });
});

it('formatSelector writes every operator', () => {
  expect(
    formatSelector({
      matchLabels: { app: 'web', tier: 'x' },
      matchExpressions: [
        { key: 'a', operator: 'In', values: ['1', '2'] },
        { key: 'b', operator: 'NotIn', values: ['3'] },
        { key: 'c', operator: 'Exists' },
        { key: 'd', operator: 'DoesNotExist' },
      ],
    }),
  ).toBe('app=web,tier=x,a in (1,2),b notin (3),c,!d');
  expect(formatSelector(undefined)).toBe('');
});

it('similarFirst puts the names that begin alike first', () => {
  expect(similarFirst('web-2', ['db', 'web-1', 'worker', 'web-22'])).toEqual(['web-22', 'web-1', 'worker', 'db']);
});
