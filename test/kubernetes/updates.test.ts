import type { CoreV1Event } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { eventUpdate, statusUpdate } from '../../src/kubernetes/agent-updates.ts';
import { TargetComparison } from '../../src/kubernetes/target-updates.ts';
import { runningPod, webTarget, withOthers } from './objects.ts';

describe('statusUpdate', () => {
  it('maps every state', () => {
    const pod = runningPod(({ status }) => {
      Object.assign(status, {
        phase: 'Failed',
        reason: 'DeadlineExceeded',
        message: 'too long',
        containerStatuses: [
          { name: 'a', state: { running: {} } },
          { name: 'b', state: { waiting: { reason: 'ErrImagePull', message: 'no' } } },
          { name: 'c', state: { terminated: { exitCode: 137, reason: 'OOMKilled', message: 'last' } } },
          { name: 'd' },
        ],
      });
    });
    expect(statusUpdate(pod)).toEqual({
      kind: 'status',
      phase: 'Failed',
      reason: 'DeadlineExceeded',
      message: 'too long',
      containers: {
        a: { state: 'running' },
        b: { state: 'waiting', reason: 'ErrImagePull', message: 'no' },
        c: { state: 'terminated', exitCode: 137, reason: 'OOMKilled', message: 'last' },
        d: { state: 'waiting', reason: '', message: '' },
      },
    });
  });

  it.each([
    [
      { waiting: { reason: 'ErrImagePull', message: 'no such image' } },
      { state: 'waiting', reason: 'ErrImagePull', message: 'no such image', blockedBy: 'wait' },
    ],
    [
      { terminated: { exitCode: 1, reason: 'Error', message: 'no network' } },
      { state: 'waiting', reason: 'Error', message: 'exit code 1: no network', blockedBy: 'wait' },
    ],
    [{ running: {} }, { state: 'waiting', reason: 'PodInitializing', message: '', blockedBy: 'wait' }],
    [{ terminated: { exitCode: 0 } }, { state: 'waiting', reason: 'PodInitializing', message: '' }],
    [{ waiting: { reason: 'PodInitializing' } }, { state: 'waiting', reason: 'PodInitializing', message: '' }],
  ])('says what an init container holds up: %j', (state, expected) => {
    const pod = runningPod(({ status }) => {
      Object.assign(status, {
        phase: 'Pending',
        initContainerStatuses: [{ name: 'wait', state }],
        containerStatuses: [{ name: 'target-0', state: { waiting: { reason: 'PodInitializing' } } }],
      });
    });
    expect(statusUpdate(pod).containers).toEqual({ 'target-0': expected });
  });

  it('is held up by no sidecar that runs', () => {
    const pod = runningPod(({ spec, status }) => {
      spec.initContainers = [{ name: 'proxy', restartPolicy: 'Always' }];
      status.initContainerStatuses = [{ name: 'proxy', state: { running: {} } }] as never;
      status.containerStatuses = [{ name: 'target-0', state: { waiting: { reason: 'PodInitializing' } } }] as never;
    });
    expect(statusUpdate(pod).containers['target-0']).not.toHaveProperty('blockedBy');
  });

  it('takes a pod of which nothing is known yet', () => {
    expect(statusUpdate({})).toEqual({ kind: 'status', phase: 'Pending', reason: '', message: '', containers: {} });
  });
});

describe('eventUpdate', () => {
  const event = (reason: string, type: string, fieldPath?: string): CoreV1Event =>
    ({ metadata: {}, involvedObject: { fieldPath }, reason, type, message: 'm' }) as CoreV1Event;

  it.each([
    [event('Started', 'Normal', 'spec.containers{target-0}'), { kind: 'started', container: 'target-0' }],
    [event('Started', 'Normal', 'spec.initContainers{x}'), undefined],
    [event('Pulling', 'Normal'), { kind: 'progress', reason: 'Pulling', message: 'm' }],
    [event('BackOff', 'Normal'), { kind: 'warning', reason: 'BackOff', message: 'm' }],
    [event('FailedMount', 'Warning'), { kind: 'warning', reason: 'FailedMount', message: 'm' }],
    [
      { ...event('FailedCreatePodSandBox', 'Warning'), count: 3 },
      { kind: 'warning', reason: 'FailedCreatePodSandBox', message: 'm', count: 3 },
    ],
    [event('Killing', 'Normal'), undefined],
    [event('Pulled', 'Normal'), undefined],
  ])('%#', (given, update) => {
    expect(eventUpdate(given)).toEqual(update);
  });
});

describe('TargetComparison', () => {
  const app = (change: object) =>
    runningPod(({ status }) => {
      Object.assign(status.containerStatuses?.[0] ?? {}, change);
    });
  const oom = { reason: 'OOMKilled', exitCode: 137, message: '' };

  it('says nothing while nothing happens, or only to other containers', () => {
    const comparison = new TargetComparison(webTarget);
    expect(comparison.changed(runningPod())).toEqual([]);
    const other = runningPod(({ status }) =>
      Object.assign(status.containerStatuses?.[1] ?? {}, { restartCount: 3, containerID: 'containerd://other' }),
    );
    expect(comparison.changed(other)).toEqual([]);
  });

  it('tells an OOM kill and the restart after it, each once', () => {
    const comparison = new TargetComparison(webTarget);
    const killed = app({ state: { terminated: oom } });
    expect(comparison.changed(killed)).toEqual([{ kind: 'terminated', ...oom }]);
    expect(comparison.changed(killed)).toEqual([]);
    const restarted = app({ containerID: 'containerd://next', restartCount: 1, lastState: { terminated: oom } });
    expect(comparison.changed(restarted)).toEqual([{ kind: 'restarted', ...oom }]);
    expect(comparison.changed(restarted)).toEqual([]);
  });

  it('tells a restart of which only the result was seen', () => {
    const update = new TargetComparison(webTarget).changed(
      app({ containerID: 'containerd://next', restartCount: 1, lastState: {} }),
    );
    expect(update).toEqual([{ kind: 'restarted', reason: '', exitCode: undefined, message: '' }]);
  });

  it('tells that the container waits to be restarted', () => {
    const waiting = app({
      state: { waiting: { reason: 'CrashLoopBackOff' } },
      restartCount: 1,
      lastState: { terminated: oom },
    });
    expect(new TargetComparison(webTarget).changed(waiting)).toEqual([{ kind: 'restarted', ...oom }]);
  });

  it('tells no restart of a pod that is being deleted, whose kubelet does not find the container any more', () => {
    const pod = app({
      containerID: '',
      state: { waiting: { reason: 'ContainerCreating' } },
      lastState: { terminated: { reason: 'ContainerStatusUnknown', exitCode: 137 } },
    });
    Object.assign(pod.metadata ?? {}, { deletionTimestamp: new Date(), deletionGracePeriodSeconds: 8 });
    const update = new TargetComparison(webTarget).changed(pod);
    expect(update).toEqual([{ kind: 'deleted', message: expect.stringContaining('is being deleted') }]);
  });

  it.each([
    ['mesh', 'initContainerStatuses', 1],
    ['debug', 'ephemeralContainerStatuses', 0],
  ] as const)('looks at the status of %s among the %s', (container, list, index) => {
    const comparison = new TargetComparison({ ...webTarget, container, containerId: `id-${container}` });
    expect(comparison.changed(runningPod(withOthers))).toEqual([]);
    const killed = runningPod((pod) => {
      withOthers(pod);
      Object.assign(pod.status[list]?.[index] ?? {}, { state: { terminated: oom } });
    });
    expect(comparison.changed(killed)).toEqual([{ kind: 'terminated', ...oom }]);
  });

  it('tells a deletion when it begins, once', () => {
    const comparison = new TargetComparison(webTarget);
    const deleting = runningPod(({ metadata }) =>
      Object.assign(metadata, { deletionTimestamp: new Date(), deletionGracePeriodSeconds: 30 }),
    );
    expect(comparison.changed(deleting)).toEqual([
      { kind: 'deleted', message: 'pod/web is being deleted (grace period 30s)' },
    ]);
    expect(comparison.changed(deleting)).toEqual([]);
    expect(comparison.gone()).toEqual([]);
  });

  it('takes another pod of the same name for a deletion', () => {
    const other = runningPod(({ metadata }) => Object.assign(metadata, { uid: 'other' }));
    expect(new TargetComparison(webTarget).changed(other)).toEqual([
      { kind: 'deleted', message: 'pod/web was deleted' },
    ]);
  });

  it.each([
    [
      { phase: 'Failed', reason: 'Evicted', message: 'low on memory' },
      { kind: 'evicted', message: 'low on memory' },
    ],
    [
      { reason: 'NodeLost', message: 'gone' },
      { kind: 'node-lost', message: 'gone' },
    ],
    [
      {
        conditions: [
          { type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler', message: 'preempted' },
        ],
      },
      { kind: 'evicted', message: 'PreemptionByScheduler: preempted' },
    ],
  ])('tells %j', (status, update) => {
    expect(new TargetComparison(webTarget).changed(runningPod((pod) => Object.assign(pod.status, status)))).toEqual([
      update,
    ]);
  });
});
