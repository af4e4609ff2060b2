import { describe, expect, it } from 'vitest';
import { answerError } from '../../src/kubernetes/api-error.ts';
import { type ApiRequest, resources } from '../../src/kubernetes/request.ts';
import { status } from '../fakes/api-server.ts';
import { recorded } from '../fakes/recorded.ts';

const server = 'https://k8s.example.com';
const createPod: ApiRequest = { verb: 'create', resource: resources.pods, namespace: 'rec' };
const attach: ApiRequest = { verb: 'get', resource: resources.pods, subresource: 'attach', namespace: 'rec' };

function asRecorded(name: string, request: ApiRequest = createPod) {
  const answer = recorded(name);
  return answerError({ status: answer.status, body: answer.body }, request, server);
}

function said(message: string, code = 403, request: ApiRequest = createPod) {
  const body = JSON.stringify(status(code, 'Forbidden', message));
  return answerError({ status: code, body }, request, server);
}

describe('what Kubernetes 1.36 refuses the agent pod for', () => {
  it.each([
    [
      'create-agent-restricted',
      'admission',
      /^namespace rec enforces the pod security level "restricted", and the agent pod is privileged \(host namespaces \(hostPID=true\), privileged/,
      /pod-security\.kubernetes\.io\/enforce=privileged/,
    ],
    [
      'create-agent-limitrange-ratio',
      'quota',
      /^a LimitRange of namespace rec does not allow the agent pod: .*cpu max limit to request ratio per Container is 10, but provided ratio is 50/,
      /kubectl describe limitrange -n rec/,
    ],
    [
      'create-agent-quota',
      'quota',
      /^the quota of namespace rec does not allow the agent pod: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2$/,
      /kubectl describe quota -n rec/,
    ],
    [
      'create-agent-policy-denied',
      'admission',
      /^the ValidatingAdmissionPolicy 'rec-owner' denied "create pods in namespace rec": pods need the label owner$/,
      /exemption/,
    ],
    [
      'create-agent-mutation-failed',
      'admission',
      /^the MutatingAdmissionPolicy 'rec-broken' failed on "create pods in namespace rec": JSON Patch: replace operation does not apply/,
      /must be repaired/,
    ],
    [
      'create-agent-no-priorityclass',
      'admission',
      /refused to create pods in namespace rec: pods "agent-x" is forbidden: no PriorityClass with name none-such was found$/,
      /asks for no priority class/,
    ],
    [
      'create-agent-no-serviceaccount',
      'admission',
      /error looking up service account rec\/nobody: serviceaccount "nobody" not found$/,
      /asks for no service account/,
    ],
    [
      'create-agent-rbac',
      'forbidden',
      /^"system:serviceaccount:rec:limited" is not allowed to create pods in namespace rec$/,
      /^a Role needs the rule: apiGroups: \[""\], resources: \["pods"\], verbs: \["create"\]; the whole role: kubectl chaos rbac --serviceaccount rec:limited -n rec$/,
    ],
  ])('%s', (name, code, message, hint) => {
    const error = asRecorded(name);
    expect(error).toMatchObject({ code, status: recorded(name).status, state: 'nothing was changed' });
    expect(error.message).toMatch(message);
    expect(error.hint).toMatch(hint);
  });

  const pod = (limits: Record<string, string>, priorityClassName?: string) => ({
    ...createPod,
    body: { spec: { containers: [{ name: 'target-0', resources: { limits } }], priorityClassName } },
  });
  const usual = pod({ cpu: '500m', memory: '128Mi' });

  it('a LimitRange: the flags that make the agent fit, of its own numbers', () => {
    expect(asRecorded('create-agent-limitrange-ratio', usual).hint).toMatch(
      /^--agent-requests cpu=50m,memory=64Mi; or see kubectl describe limitrange -n rec; /,
    );
    expect(asRecorded('create-agent-limitrange-ratio').hint).toMatch(/^kubectl describe limitrange/);
  });

  it.each([
    ['cpu max limit to request ratio per Container is 3, but provided ratio is 5.000000', '--agent-requests cpu=167m'],
    ['minimum cpu usage per Container is 250m, but request is 100m', '--agent-requests cpu=250m'],
    [
      '[minimum cpu usage per Container is 250m, but request is 100m, minimum memory usage per Container is 256Mi, but request is 128Mi, minimum memory usage per Container is 256Mi, but limit is 128Mi]',
      '--agent-requests cpu=250m,memory=256Mi',
    ],
    ['maximum memory usage per Container is 64Mi, but limit is 128Mi', '--agent-limits memory=64Mi'],
    [
      '[maximum cpu usage per Pod is 200m, but limit is 500m, cpu max limit to request ratio per Container is 1, but provided ratio is 5.000000]',
      '--agent-requests cpu=200m --agent-limits cpu=200m',
    ],
    ['minimum cpu usage per Container is 50m.  No request is specified', '--agent-requests cpu=50m'],
  ])('a LimitRange that says "%s"', (message, flags) => {
    expect(said(`pods "c" is forbidden: ${message}`, 403, usual)).toMatchObject({
      code: 'quota',
      hint: expect.stringMatching(new RegExp(`^${flags}; or see kubectl describe limitrange -n rec`)),
    });
  });

  it('a policy that asks for a label: the flags that give it', () => {
    expect(asRecorded('create-agent-policy-denied').hint).toMatch(
      /^--agent-label and --agent-annotation give the agent pod/,
    );
  });

  it('a priority class that was asked for and is not there, or has no quota there', () => {
    const asked = pod({}, 'none-such');
    expect(asRecorded('create-agent-no-priorityclass', asked).hint).toBe(
      '--priority-class with one that there is: kubectl get priorityclasses',
    );
    const scopes =
      'pods "c" is forbidden: insufficient quota to match these scopes: [{PriorityClass In [system-node-critical system-cluster-critical]}]';
    expect(said(scopes, 403, asked)).toMatchObject({
      code: 'admission',
      hint: expect.stringContaining('--agent-namespace kube-system'),
    });
  });

  it.each([
    ['pods "c" is forbidden: pod node label selector conflicts with its namespace node label selector', /selector/],
    ['pods "c" is forbidden: pod node label selector labels conflict with its namespace whitelist', /selector/],
    [
      'pods "c" is forbidden: pod tolerations (possibly merged with namespace default tolerations) conflict with its namespace whitelist',
      /every taint/,
    ],
    ['pods "c" is forbidden: image policy webhook backend denied one or more images: not signed', /--image/],
    [
      'pods "c" is forbidden: error looking up service account rec/default: serviceaccount "default" not found',
      /try again/,
    ],
  ])('%s: with the words of the server, and what is certain', (message, hint) => {
    const error = said(message);
    expect(error).toMatchObject({
      code: 'admission',
      message: `the API server refused to create pods in namespace rec: ${message}`,
      hint: expect.stringMatching(hint),
    });
  });

  it('what nobody knows: with the words of the server, and no rule to add', () => {
    const error = said('pods "c" is forbidden: only on Tuesdays');
    expect(error.code).toBe('admission');
    expect(error.message).toBe(
      'the API server refused to create pods in namespace rec: pods "c" is forbidden: only on Tuesdays',
    );
    expect(error.hint).toBeUndefined();
    expect(said('no', 403, { ...createPod, verb: 'list' })).toMatchObject({ code: 'forbidden', hint: undefined });
  });

  it.each([
    'the maximum memory limit is 64Mi',
    'exceeded quota: team a has 3 pods',
    'no PriorityClass with name "low" was found',
    'pod tolerations conflict with its namespace whitelist',
  ])('a webhook that says "%s" is a webhook', (message) => {
    const error = said(`admission webhook "limits.example.org" denied the request: ${message}`);
    expect(error).toMatchObject({
      code: 'admission',
      message: `the admission webhook limits.example.org denied "create pods in namespace rec": ${message}`,
      hint: expect.stringContaining('exemption'),
    });
  });

  it('a webhook that quotes the words of RBAC is not RBAC', () => {
    const error = said('admission webhook "w" denied the request: User "j" cannot create resource "pods"');
    expect(error).toMatchObject({ code: 'admission', message: expect.stringContaining('admission webhook w denied') });
  });
});

describe('what is missing of rights', () => {
  it('at the cluster scope takes a ClusterRole, whatever was asked for', () => {
    const list: ApiRequest = { verb: 'list', resource: resources.pods };
    expect(asRecorded('list-pods-all-namespaces-rbac', list)).toMatchObject({
      code: 'forbidden',
      message: '"system:serviceaccount:rec:limited" is not allowed to list pods in the cluster',
      hint: 'a ClusterRole needs the rule: apiGroups: [""], resources: ["pods"], verbs: ["list"]; the whole role: kubectl chaos rbac --serviceaccount rec:limited',
    });
  });

  it('is what the answer names, not what was sent', () => {
    const as = said(
      'users "jane" is forbidden: User "ci" cannot impersonate resource "users" in API group "" at the cluster scope',
    );
    expect(as).toMatchObject({
      message: '"ci" is not allowed to impersonate users in the cluster',
      hint: 'a ClusterRole needs the rule: apiGroups: [""], resources: ["users"], verbs: ["impersonate"]',
    });
    const from135 = said(
      'pods "c" is forbidden: User "ci" cannot create resource "pods/attach" in API group "" in the namespace "rec"',
      403,
      attach,
    );
    expect(from135).toMatchObject({
      message: '"ci" is not allowed to create pods/attach in namespace rec',
      hint: 'a Role needs the rule: apiGroups: [""], resources: ["pods/attach"], verbs: ["create"]; the whole role: kubectl chaos rbac --user ci -n rec',
    });
  });

  it('of an attach is the rule to add', () => {
    expect(asRecorded('attach-rbac', attach)).toMatchObject({
      code: 'forbidden',
      isPermanent: true,
      message: '"system:serviceaccount:rec:limited" is not allowed to get pods/attach in namespace rec',
      hint: 'a Role needs the rule: apiGroups: [""], resources: ["pods/attach"], verbs: ["get"]; the whole role: kubectl chaos rbac --serviceaccount rec:limited -n rec',
    });
  });

  it("is told with the authorizer's own reason", () => {
    const error = said(
      'pods is forbidden: User "j" cannot list resource "pods" in API group "" in the namespace "rec": requires one of ["container.pods.list"] permission(s).',
    );
    expect(error.message).toBe(
      '"j" is not allowed to list pods in namespace rec (requires one of ["container.pods.list"] permission(s).)',
    );
  });
});

describe('an attach that cannot work', () => {
  it.each(['attach-no-container', 'attach-not-websocket'])('%s: is told as the server said it, once', (name) => {
    const error = asRecorded(name, attach);
    expect(error).toMatchObject({ code: 'api', isPermanent: true });
    expect(error.message).toContain(recorded(name).message);
  });

  it.each([
    ['error dialing backend: remote error: tls: internal error', 'no serving certificate', 'kubectl get csr', true],
    [
      'error dialing backend: x509: certificate is valid for 10.0.0.2, not 10.0.0.1',
      'does not trust the serving certificate of the kubelet',
      'kubectl get csr',
      true,
    ],
    [
      'error dialing backend: tls: failed to verify certificate: x509: certificate signed by unknown authority',
      'does not trust the serving certificate of the kubelet',
      'kubectl get csr',
      true,
    ],
    [
      'error dialing backend: No agent available',
      'the tunnel from the API server to the nodes is down',
      'agents',
      false,
    ],
    ['error dialing backend: dial timeout, backstop', 'the tunnel from the API server does not reach', 'agents', true],
    [
      'error dialing backend: proxy error from 127.0.0.1:6443 while dialing 10.0.0.1:10250, code 502: 502 Bad Gateway',
      'the tunnel from the API server does not reach',
      'agents',
      true,
    ],
    ['error dialing backend: dial tcp 10.0.0.1:10250: i/o timeout', 'cannot reach the kubelet', 'port 10250', true],
    [
      'error dialing backend: dial tcp 10.0.0.1:10250: connect: no route to host',
      'cannot reach the kubelet',
      'port 10250',
      true,
    ],
    [
      'error dialing backend: dial tcp 10.0.0.1:10250: connect: connection refused',
      'refuses the API server',
      'kubectl get nodes',
      false,
    ],
    [
      'unable to upgrade connection: Forbidden (user=kube-apiserver, verb=create, resource=nodes, subresource=proxy)',
      'does not let the API server attach',
      'system:kubelet-api-admin',
      true,
    ],
    [
      'unable to upgrade connection: Debug endpoints are disabled.',
      'answers neither attach, exec nor logs',
      'enableDebuggingHandlers',
      true,
    ],
    [
      'unable to upgrade connection: 404 page not found',
      'answers neither attach, exec nor logs',
      'enableDebuggingHandlers',
      true,
    ],
    [
      'unable to upgrade connection: Unauthorized',
      'does not accept the credentials of the API server',
      '--kubelet-client-certificate',
      true,
    ],
  ])('%s', (message, meaning, hint, isPermanent) => {
    for (const code of [500, 503]) {
      const error = said(message, code, attach);
      expect(error).toMatchObject({ code: 'unreachable', isPermanent });
      expect(error.message).toContain(meaning);
      expect(error.hint).toContain(hint);
    }
  });

  it('for a reason that is in the container alone is not said of the kubelet', () => {
    expect(said('container not running (dead)', 500, attach)).toMatchObject({ code: 'api', isPermanent: false });
    expect(said('etcd: dial tcp 10.0.0.9:2379: i/o timeout', 500)).toMatchObject({ code: 'api' });
  });
});
