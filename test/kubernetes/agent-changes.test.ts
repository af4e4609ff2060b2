import type { V1Pod, V1PodSpec } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { agentChanges } from '../../src/kubernetes/agent-changes.ts';
import { agentPod } from '../../src/kubernetes/agent-pod.ts';
import type { AgentSpec } from '../../src/ports.ts';
import { recorded } from '../fakes/recorded.ts';
import { noShape } from '../fakes/samples.ts';
import { webTarget } from './objects.ts';

const spec: AgentSpec = {
  id: 'chaos-7f3k2',
  configMap: 'chaos-7f3k2',
  namespace: 'shop',
  pod: 'chaos-7f3k2-0',
  node: 'node-3',
  architecture: 'amd64',
  image: 'tools:1',
  imagePullSecrets: [],
  shape: noShape,
  containers: [{ name: 'target-0', target: webTarget, args: ['run'] }],
  activeDeadlineSeconds: 337,
  terminationGracePeriodSeconds: 32,
  annotations: {},
};

function changed(edit: (spec: V1PodSpec, container: V1PodSpec['containers'][number], pod: V1Pod) => void) {
  const asked = agentPod(spec);
  const created = structuredClone(asked);
  const [container] = created.spec?.containers ?? [];
  if (!created.spec || !container) throw new Error('no container');
  edit(created.spec, container, created);
  return agentChanges(asked, created);
}

describe('what was changed in the agent pod', () => {
  it('is nothing where Kubernetes 1.36 created it as asked for, with its defaults', () => {
    const created = JSON.parse(recorded('create-agent-warn').body) as V1Pod;
    const [container] = created.spec?.containers ?? [];
    const asked = agentPod({
      ...spec,
      node: created.spec?.nodeName ?? '',
      image: container?.image ?? '',
      shape: { ...noShape, requests: { cpu: '10m', memory: '32Mi' } },
      containers: [{ name: 'target-0', target: webTarget, args: container?.args ?? [] }],
    });
    expect(agentChanges(asked, created)).toEqual([]);
  });

  it('is not told of what does not matter to it', () => {
    expect(
      changed((pod, container, { metadata }) => {
        Object.assign(metadata ?? {}, { labels: { team: 'a' }, annotations: { seen: 'yes' } });
        pod.tolerations?.push({ key: 'node.kubernetes.io/not-ready', operator: 'Exists', tolerationSeconds: 300 });
        pod.volumes?.push({ name: 'kube-api-access', projected: {} });
        container.volumeMounts?.push({ name: 'kube-api-access', mountPath: '/var/run/secrets' });
        container.env = [{ name: 'HTTPS_PROXY', value: 'http://proxy' }];
        Object.assign(container.resources ?? {}, {
          limits: { cpu: '0.5', memory: '128Mi', 'ephemeral-storage': '1Gi' },
        });
        pod.serviceAccountName = 'default';
        pod.affinity = {};
      }),
    ).toEqual([]);
  });

  it.each<[string, boolean, Parameters<typeof changed>[0]]>([
    ['added the node selector disk=ssd', false, (pod) => Object.assign(pod, { nodeSelector: { disk: 'ssd' } })],
    ['added an affinity', false, (pod) => Object.assign(pod, { affinity: { nodeAffinity: {} } })],
    ['removed the toleration of every taint', false, (pod) => Object.assign(pod, { tolerations: [{ key: 'a' }] })],
    ['added init container wait', false, (pod) => Object.assign(pod, { initContainers: [{ name: 'wait' }] })],
    ['added container proxy', false, (pod) => pod.containers.push({ name: 'proxy' })],
    ['set activeDeadlineSeconds to 5', true, (pod) => Object.assign(pod, { activeDeadlineSeconds: 5 })],
    ['set activeDeadlineSeconds to 900', false, (pod) => Object.assign(pod, { activeDeadlineSeconds: 900 })],
    ['removed activeDeadlineSeconds', false, (pod) => Object.assign(pod, { activeDeadlineSeconds: undefined })],
    ['set terminationGracePeriodSeconds to 1', true, (pod) => Object.assign(pod, { terminationGracePeriodSeconds: 1 })],
    ['set restartPolicy to Always', true, (pod) => Object.assign(pod, { restartPolicy: 'Always' })],
    ['removed hostPID', true, (pod) => Object.assign(pod, { hostPID: undefined })],
    ['set hostNetwork', false, (pod) => Object.assign(pod, { hostNetwork: true })],
    ['set nodeName to other', true, (pod) => Object.assign(pod, { nodeName: 'other' })],
    ['removed nodeName', true, (pod) => Object.assign(pod, { nodeName: undefined })],
    ['set serviceAccountName to robot', false, (pod) => Object.assign(pod, { serviceAccountName: 'robot' })],
    ['set runtimeClassName to kata', false, (pod) => Object.assign(pod, { runtimeClassName: 'kata' })],
    ['changed volume shim', true, (pod) => Object.assign(pod, { volumes: [] })],
    ['removed container target-0', true, (pod) => Object.assign(pod, { containers: [] })],
    ['set image to mirror/tools:1', false, (_, container) => Object.assign(container, { image: 'mirror/tools:1' })],
    ['set imagePullPolicy to Always', false, (_, container) => Object.assign(container, { imagePullPolicy: 'Always' })],
    ['changed command', true, (_, container) => Object.assign(container, { command: ['sh'] })],
    ['changed args', true, (_, container) => Object.assign(container, { args: ['run', '-x'] })],
    ['removed stdin', true, (_, container) => Object.assign(container, { stdin: undefined })],
    ['removed a volumeMount', true, (_, container) => Object.assign(container, { volumeMounts: [] })],
    [
      'set resources.limits.memory to 16Mi',
      false,
      (_, container) => Object.assign(container.resources?.limits ?? {}, { memory: '16Mi' }),
    ],
    [
      'removed resources.requests.cpu',
      false,
      (_, container) => Object.assign(container.resources?.requests ?? {}, { cpu: undefined }),
    ],
    [
      'set securityContext.privileged to false',
      true,
      (_, container) => Object.assign(container.securityContext ?? {}, { privileged: false }),
    ],
    [
      'removed securityContext.privileged',
      true,
      (_, container) => Object.assign(container.securityContext ?? {}, { privileged: undefined }),
    ],
    [
      'set securityContext.runAsUser to 1000',
      true,
      (_, container) => Object.assign(container.securityContext ?? {}, { runAsUser: 1_000 }),
    ],
    [
      'set securityContext.runAsNonRoot to true',
      false,
      (_, container) => Object.assign(container.securityContext ?? {}, { runAsNonRoot: true }),
    ],
  ])('%s (nothing may begin: %s)', (what, isFatal, edit) => {
    expect(changed(edit)).toEqual([{ what, isFatal }]);
  });
});
