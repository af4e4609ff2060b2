import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agentPod, configMap, escapeExpansion } from '../../src/kubernetes/agent-pod.ts';
import type { AgentSpec, Target } from '../../src/ports.ts';
import { noShape } from '../fakes/samples.ts';

const target = { namespace: 'shop', pod: 'web', container: 'app' } as Target;
const spec: AgentSpec = {
  id: 'chaos-7f3k2',
  configMap: 'chaos-7f3k2',
  namespace: 'shop',
  pod: 'chaos-7f3k2-0',
  node: 'node-3',
  architecture: 'amd64',
  image: 'example/tools:1',
  imagePullSecrets: [],
  shape: noShape,
  containers: [
    { name: 'target-0', target, args: ['run', '--container', 'abc', '--', 'echo', '$(HOME) $$'] },
    { name: 'target-1', target, args: ['run'] },
  ],
  activeDeadlineSeconds: 90,
  annotations: { 'kubectl-chaos.io/reason': 'game day' },
};

/** The kubelet's expansion of command and args: third_party/forked/golang/expansion in k8s.io/kubernetes. */
function expand(input: string, variables: Readonly<Record<string, string>>): string {
  let output = '';
  for (let at = 0; at < input.length; at++) {
    if (input[at] !== '$' || at + 1 >= input.length) {
      output += input[at];
      continue;
    }
    const next = input[at + 1];
    if (next === '$') {
      output += '$';
      at++;
    } else if (next === '(') {
      const end = input.indexOf(')', at + 2);
      if (end < 0) {
        output += '$(';
        at++;
      } else {
        const name = input.slice(at + 2, end);
        output += variables[name] ?? `$(${name})`;
        at = end;
      }
    } else {
      output += `$${next}`;
      at++;
    }
  }
  return output;
}

describe('escapeExpansion', () => {
  it('has the kubelet give back every argument as it was', () => {
    const argument = fc
      .array(fc.constantFrom('$', '$$', '(', ')', '$(A)', '$(B', 'A', ' ', 'x'))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(argument, fc.string()), (text) => {
        expect(expand(escapeExpansion(text), { A: 'expanded', '': 'empty' })).toBe(text);
      }),
    );
  });

  it('is needed: without it the kubelet would change the argument', () => {
    expect(expand('$(A) $$', { A: 'expanded' })).toBe('expanded $');
  });
});

describe('agentPod', () => {
  const pod = agentPod(spec);

  it('goes to the node without the scheduler, tolerates everything, and ends by the kubelet clock', () => {
    expect(pod.spec).toMatchObject({
      nodeName: 'node-3',
      tolerations: [{ operator: 'Exists' }],
      restartPolicy: 'Never',
      activeDeadlineSeconds: 90,
      terminationGracePeriodSeconds: 30,
      hostPID: true,
      hostNetwork: false,
      dnsPolicy: 'Default',
    });
    expect(agentPod({ ...spec, terminationGracePeriodSeconds: 620 }).spec?.terminationGracePeriodSeconds).toBe(620);
  });

  it('has no credentials of the cluster and no links to services', () => {
    expect(pod.spec).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
    expect(pod.spec).not.toHaveProperty('imagePullSecrets');
    expect(agentPod({ ...spec, imagePullSecrets: ['s'] }).spec?.imagePullSecrets).toEqual([{ name: 's' }]);
  });

  it('can be found by its labels, and says what it is', () => {
    expect(pod.metadata).toMatchObject({
      name: 'chaos-7f3k2-0',
      namespace: 'shop',
      labels: { 'app.kubernetes.io/managed-by': 'kubectl-chaos', 'kubectl-chaos.io/experiment': 'chaos-7f3k2' },
      annotations: { 'kubectl-chaos.io/reason': 'game day' },
    });
  });

  it('has the node as its controller, so that `kubectl drain` evicts it; of a node that may not be read, none', () => {
    const { metadata } = agentPod({ ...spec, nodeUid: 'uid-node-3' });
    // With blockOwnerDeletion the plugin OwnerReferencesPermissionEnforcement would ask for rights on the node.
    expect(metadata?.ownerReferences).toEqual([
      { apiVersion: 'v1', kind: 'Node', name: 'node-3', uid: 'uid-node-3', controller: true },
    ]);
    expect(pod.metadata).not.toHaveProperty('ownerReferences');
    expect(configMap({ ...spec, nodeUid: 'uid-node-3' }, new Uint8Array()).metadata).not.toHaveProperty(
      'ownerReferences',
    );
  });

  it('lets the autoscaler take its node away', () => {
    expect(pod.metadata?.annotations?.['cluster-autoscaler.kubernetes.io/safe-to-evict']).toBe('true');
  });

  it('opts out of sidecars, init containers and libraries', () => {
    expect(pod.metadata?.labels).toMatchObject({
      'sidecar.istio.io/inject': 'false',
      'istio.io/dataplane-mode': 'none',
      'kuma.io/sidecar-injection': 'disabled',
      'admission.datadoghq.com/enabled': 'false',
      'instana-autotrace': 'false',
    });
    expect(pod.metadata?.annotations).toMatchObject({
      'linkerd.io/inject': 'disabled',
      'consul.hashicorp.com/connect-inject': 'false',
      'dynatrace.com/inject': 'false',
      'sidecar.opentelemetry.io/inject': 'false',
      'instrumentation.opentelemetry.io/inject-java': 'false',
      'instrumentation.opentelemetry.io/inject-go': 'false',
      'instrumentation.opentelemetry.io/inject-apache-httpd': 'false',
      'k8tz.io/inject': 'false',
    });
  });

  it('has the labels, annotations and priority that are asked for; what finds it again stays', () => {
    const shape = {
      ...noShape,
      labels: { owner: 'team-a', 'kubectl-chaos.io/experiment': 'x', 'sidecar.istio.io/inject': 'true' },
      annotations: { 'example.com/cost': '42', 'kubectl-chaos.io/reason': 'x' },
      priorityClass: 'system-node-critical',
    };
    const shaped = agentPod({ ...spec, shape });
    expect(shaped.metadata?.labels).toMatchObject({
      ...{ owner: 'team-a', 'kubectl-chaos.io/experiment': 'chaos-7f3k2' },
      'sidecar.istio.io/inject': 'true',
    });
    expect(shaped.metadata?.annotations).toMatchObject({
      ...{ 'example.com/cost': '42', 'kubectl-chaos.io/reason': 'game day' },
    });
    expect(shaped.spec?.priorityClassName).toBe('system-node-critical');
    expect(pod.spec).not.toHaveProperty('priorityClassName');
    expect(configMap({ ...spec, shape }, new Uint8Array()).metadata).toMatchObject({
      labels: { owner: 'team-a', 'kubectl-chaos.io/experiment': 'chaos-7f3k2' },
      annotations: { 'example.com/cost': '42' },
    });
  });

  it('takes nothing over from an image that is not its own: entrypoint, user, directory, or what hooks of the runtime read', () => {
    const [container] = pod.spec?.containers ?? [];
    expect(container?.command).toHaveLength(1);
    expect(container).toMatchObject({
      workingDir: '/',
      env: [
        { name: 'LD_PRELOAD', value: '' },
        { name: 'LD_AUDIT', value: '' },
        { name: 'LD_LIBRARY_PATH', value: '' },
        { name: 'NVIDIA_VISIBLE_DEVICES', value: 'void' },
      ],
      securityContext: { runAsUser: 0, runAsGroup: 0, runAsNonRoot: false },
    });
  });

  it('runs the shim out of the ConfigMap, one container for each target, stdin open across clients', () => {
    expect(pod.spec?.containers.map(({ name }) => name)).toEqual(['target-0', 'target-1']);
    expect(pod.spec?.containers[0]).toMatchObject({
      image: 'example/tools:1',
      imagePullPolicy: 'IfNotPresent',
      command: ['/opt/kubectl-chaos/nsexec'],
      args: ['run', '--container', 'abc', '--', 'echo', '$$(HOME) $$$$'],
      stdin: true,
      stdinOnce: false,
      tty: false,
      terminationMessagePolicy: 'File',
      securityContext: {
        privileged: true,
        runAsUser: 0,
        readOnlyRootFilesystem: true,
        seccompProfile: { type: 'Unconfined' },
      },
      volumeMounts: [{ name: 'shim', mountPath: '/opt/kubectl-chaos', readOnly: true }],
    });
    expect(pod.spec?.volumes).toEqual([
      {
        name: 'shim',
        configMap: { name: 'chaos-7f3k2', defaultMode: 0o755, items: [{ key: 'nsexec', path: 'nsexec' }] },
      },
    ]);
  });
});

describe('configMap', () => {
  it('is immutable and holds the very bytes', () => {
    const bytes = new Uint8Array([9, 0, 255, 127, 69, 76, 70, 9]).subarray(1, 7);
    const map = configMap(spec, bytes);
    expect(map).toMatchObject({ immutable: true, metadata: { name: 'chaos-7f3k2', namespace: 'shop' } });
    expect([...Buffer.from(map.binaryData?.nsexec ?? '', 'base64')]).toEqual([...bytes]);
  });
});
