import { describe, expect, it } from 'vitest';
import { answerError, transportError } from '../../src/kubernetes/api-error.ts';
import { type ApiRequest, requestPath, resourceName, resources } from '../../src/kubernetes/request.ts';
import { status } from '../fakes/api-server.ts';

const server = 'https://k8s.example.com';
const createPod: ApiRequest = { verb: 'create', resource: resources.pods, namespace: 'shop' };

function answer(code: number, message: string, request: ApiRequest = createPod, retryAfter?: string) {
  const body = JSON.stringify(status(code, 'Reason', message, { name: 'x' }));
  return answerError({ status: code, body, retryAfter }, request, server);
}

describe('answerError', () => {
  it('401: says that the credentials are not accepted', () => {
    expect(answer(401, 'Unauthorized')).toMatchObject({
      code: 'unauthorized',
      status: 401,
      message: expect.stringContaining(server),
    });
  });

  it('403: names user, verb, resource and namespace, and the missing rule', () => {
    const error = answer(
      403,
      'pods is forbidden: User "jane" cannot create resource "pods" in API group "" in the namespace "shop"',
    );
    expect(error.code).toBe('forbidden');
    expect(error.message).toBe('"jane" is not allowed to create pods in namespace shop');
    expect(error.hint).toBe(
      'a Role needs the rule: apiGroups: [""], resources: ["pods"], verbs: ["create"]; the whole role: kubectl chaos rbac --user jane -n shop',
    );
    const nodes = answer(
      403,
      'nodes "a" is forbidden: User "jane" cannot get resource "nodes" in API group "" at the cluster scope',
      {
        verb: 'get',
        resource: resources.nodes,
        name: 'a',
      },
    );
    expect(nodes.message).toBe('"jane" is not allowed to get nodes in the cluster');
    expect(nodes.hint).toContain('a ClusterRole needs');
    const words =
      'pods "x" is forbidden: User "jane" cannot get resource "pods/attach" in API group "" in the namespace "shop"';
    const attach = answer(403, words, {
      verb: 'get',
      resource: resources.pods,
      subresource: 'attach',
      namespace: 'shop',
    });
    expect(attach.hint).toContain('resources: ["pods/attach"], verbs: ["get"]');
  });

  it('403 that is not from the API server: says so', () => {
    const error = answerError({ status: 403, body: '<html><b>Blocked by\nproxy</b></html>' }, createPod, server);
    expect(error).toMatchObject({
      code: 'forbidden',
      message: `${server} or a proxy before it refused (403): Blocked by`,
    });
  });

  it('403 of PodSecurity: names the level, the label and --agent-namespace', () => {
    const error = answer(
      403,
      'pods "chaos-1" is forbidden: violates PodSecurity "restricted:latest": host namespaces (hostPID=true), privileged (container "target-0" must not set securityContext.privileged=true)',
    );
    expect(error.code).toBe('admission');
    expect(error.message).toContain('"restricted"');
    expect(error.message).toContain('hostPID=true');
    expect(error.hint).toContain('kubectl label namespace shop pod-security.kubernetes.io/enforce=privileged');
    expect(error.hint).toContain('--agent-namespace');
  });

  it.each([
    [
      'quota',
      'pods "c" is forbidden: exceeded quota: small, requested: pods=1, used: pods=0, limited: pods=0',
      'exceeded quota: small, requested: pods=1',
    ],
    ['quota', 'pods "c" is forbidden: failed quota: q: must specify limits.cpu', 'failed quota: q'],
    ['quota', 'pods "c" is forbidden: maximum memory usage per Container is 16Mi, but limit is 128Mi', 'LimitRange'],
    [
      'admission',
      'admission webhook "policy.example.com" denied the request: no privileged pods',
      'policy.example.com denied "create pods in namespace shop": no privileged pods',
    ],
    [
      'admission',
      "pods \"c\" is forbidden: ValidatingAdmissionPolicy 'no-root' with binding 'b' denied request: root",
      `ValidatingAdmissionPolicy 'no-root' denied "create pods in namespace shop": root`,
    ],
    ['admission', 'pods "c" is forbidden: unable to validate against any pod security policy: []', 'policy'],
    ['admission', 'pods "c" is forbidden: unable to validate against any security context constraint: []', 'policy'],
    [
      'admission',
      'Internal error occurred: failed calling webhook "w": dial tcp: refused',
      'webhook of the cluster does not work',
    ],
    [
      'admission',
      'pods "c" is forbidden: unable to create new content in namespace shop because it is being terminated',
      'being deleted',
    ],
  ])('%s: %s', (code, message, expected) => {
    const error = answer(403, message);
    expect(error.code).toBe(code);
    expect(error.message).toContain(expected);
    expect(error.hint).toBeTruthy();
  });

  it.each([
    ['<html>404 page not found</html>', ': 404 page not found'],
    ['', ''],
  ])('404 of no API server, or without the path: names the server and the request: %j', (body, said) => {
    expect(answerError({ status: 404, body }, createPod, server)).toMatchObject({
      ...{ code: 'not-found', status: 404 },
      message: `${server} answered 404 to create pods in namespace shop${said}`,
      hint: 'is that the address of an API server? kubectl config view --minify',
    });
  });

  it('404, 409, 422, 429, 500', () => {
    expect(answer(404, 'pods "x" not found')).toMatchObject({ code: 'not-found', message: 'pods "x" not found' });
    expect(answer(409, 'already exists')).toMatchObject({ code: 'api', message: 'conflict: already exists' });
    expect(answer(422, 'spec: Invalid')).toMatchObject({
      code: 'api',
      message: expect.stringContaining('spec: Invalid'),
    });
    expect(answer(429, 'too many', createPod, '7')).toMatchObject({
      code: 'api',
      retryAfterMs: 7_000,
      hint: 'try again in 7s',
    });
    expect(answer(500, 'etcd')).toMatchObject({
      code: 'api',
      message: `${server} answered 500 to create pods in namespace shop: etcd`,
    });
  });

  it('plain HTTP to a TLS port: says so', () => {
    const error = answerError(
      { status: 400, body: 'Client sent an HTTP request to an HTTPS server.\n' },
      createPod,
      'http://k',
    );
    expect(error).toMatchObject({ code: 'unreachable', hint: expect.stringContaining('https://') });
  });
});

describe('transportError', () => {
  const failure = (code: string, message = 'm'): Error => Object.assign(new Error(message), { code });

  it.each([
    ['ECONNREFUSED', 'unreachable', 'refuses connections'],
    ['ENOTFOUND', 'unreachable', 'cannot be resolved'],
    ['EAI_AGAIN', 'unreachable', 'cannot be resolved'],
    ['EHOSTUNREACH', 'unreachable', 'cannot be reached'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'unreachable', 'is for another name'],
    ['CERT_HAS_EXPIRED', 'unreachable', 'is not valid now'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'unreachable', 'authority that is not trusted'],
    ['ECONNRESET', 'unreachable', 'broke'],
  ])('%s names the server', (code, kind, words) => {
    const error = transportError(failure(code), server);
    expect(error).toMatchObject({ code: kind, status: 0 });
    expect(error.message).toContain(server);
    expect(error.message).toContain(words);
  });

  it('looks into the attempts of happy eyeballs', () => {
    const error = transportError(new AggregateError([failure('ECONNREFUSED'), failure('ECONNREFUSED')]), server);
    expect(error.message).toContain('refuses connections');
  });

  it('tells a refused client certificate from a broken connection', () => {
    expect(
      transportError(failure('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'tlsv13 alert certificate required'), server)
        .code,
    ).toBe('unauthorized');
    expect(transportError(failure('ERR_SSL_WRONG_VERSION_NUMBER', 'wrong version number'), server).message).toContain(
      'does not speak TLS',
    );
  });
});

describe('requests', () => {
  it('have the paths and names of the API', () => {
    expect(
      requestPath({
        verb: 'list',
        resource: resources.pods,
        namespace: 'a',
        query: { labelSelector: 'a=b,c', limit: 5, x: undefined },
      }),
    ).toBe('/api/v1/namespaces/a/pods?labelSelector=a%3Db%2Cc&limit=5');
    expect(requestPath({ verb: 'get', resource: resources.deployments, namespace: 'a', name: 'b' })).toBe(
      '/apis/apps/v1/namespaces/a/deployments/b',
    );
    expect(requestPath({ verb: 'get', resource: resources.nodes, name: 'a/../b' })).toBe('/api/v1/nodes/a%2F..%2Fb');
    expect(resourceName({ resource: resources.pods, subresource: 'attach' })).toBe('pods/attach');
    expect(resourceName({ resource: resources.deployments })).toBe('deployments.apps');
  });
});
