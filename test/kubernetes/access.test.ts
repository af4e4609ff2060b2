import { describe, expect, it } from 'vitest';
import { chooseAccess, resolveAccess } from '../../src/kubernetes/access.ts';
import { parseKubeconfig } from '../../src/kubernetes/kubeconfig.ts';
import type { ConnectionOptions } from '../../src/ports.ts';
import { thrown } from './support.ts';

const text = `
current-context: one
clusters:
- {name: k1, cluster: {server: https://k1:6443, certificate-authority-data: QUJD}}
- {name: k2, cluster: {server: "http://127.0.0.1:8001"}}
users:
- {name: u1, user: {client-certificate-data: QQ==, client-key-data: QQ==, tokenFile: /t}}
- {name: u2, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: login}, username: a, password: b}}
- {name: gcp, user: {auth-provider: {name: gcp, config: {}}}}
- {name: both, user: {auth-provider: {name: oidc}, exec: {apiVersion: v1, command: login}}}
contexts:
- {name: one, context: {cluster: k1, user: u1, namespace: shop}}
- {name: two, context: {cluster: k2, user: u2}}
- {name: broken, context: {cluster: nowhere, user: u1}}
- {name: old, context: {cluster: k1, user: gcp}}`;

const choose = (options: ConnectionOptions = {}) => chooseAccess(parseKubeconfig(text, '/c'), options, '/c');

describe('chooseAccess', () => {
  it('follows the current context', () => {
    const access = choose();
    expect(access.server.href).toBe('https://k1:6443/');
    expect(access.namespace).toBe('shop');
    expect(access.user.tokenFile).toBe('/t');
  });

  it('takes context, cluster, user and namespace from the flags', () => {
    const access = choose({ context: 'two', cluster: 'k1', user: 'u1', namespace: 'n' });
    expect(access.server.host).toBe('k1:6443');
    expect(access.namespace).toBe('n');
    expect(access.user.tokenFile).toBe('/t');
    expect(choose({ context: 'two' }).namespace).toBe('default');
  });

  it.each([
    [{}, 'one', ['one']],
    [{ context: 'two' }, 'two', ['two']],
    [{ context: 'two', cluster: 'k2' }, 'two', ['two']],
    [{ context: 'two', cluster: 'k1' }, undefined, ['one', 'old']],
    [{ context: 'two', server: 'https://k1:6443' }, undefined, ['one', 'old']],
    [{ server: 'https://elsewhere:6443' }, undefined, []],
  ])('of %j says by which context the cluster is known: %s, %j', (options, context, contexts) => {
    const access = choose(options);
    expect(access.context).toBe(context);
    expect(access.contexts).toEqual(contexts);
  });

  it('lets a token replace every other way to sign in', () => {
    const { user } = choose({ context: 'two', token: 't' });
    expect(user).toEqual({ token: 't' });
  });

  it('lets the trust flags replace what the kubeconfig trusts', () => {
    expect(choose({ insecureSkipTlsVerify: true }).cluster).toEqual({
      server: 'https://k1:6443',
      insecureSkipTlsVerify: true,
    });
    expect(choose({ certificateAuthority: '/ca' }).cluster).toEqual({
      server: 'https://k1:6443',
      certificateAuthority: '/ca',
    });
    expect(choose({ tlsServerName: 'k' }).cluster.tlsServerName).toBe('k');
  });

  it('lets certificate files replace certificate data', () => {
    const { user } = choose({ clientCertificate: '/crt', clientKey: '/key' });
    expect(user).toEqual({ clientCertificate: '/crt', clientKey: '/key', tokenFile: '/t' });
  });

  it('impersonates, and refuses a group without a user', () => {
    expect(choose({ as: 'jane', asGroup: ['a', 'b'], asUid: '1' }).user).toMatchObject({
      as: 'jane',
      asGroups: ['a', 'b'],
      asUid: '1',
    });
    expect(thrown(() => choose({ asGroup: ['a'] }))).toMatchObject({
      code: 'kubeconfig',
      hint: expect.stringContaining('--as USER'),
    });
  });

  it('needs no cluster and no user of the context when flags say where and as whom, as kubectl', () => {
    const config = 'current-context: c\ncontexts: [{name: c, context: {cluster: gone, user: gone}}]';
    const { server, user } = chooseAccess(parseKubeconfig(config, '/c'), { server: 'https://x:1', token: 't' }, '/c');
    expect([server.href, user]).toEqual(['https://x:1/', { token: 't' }]);
    expect(thrown(() => choose({ user: 'nobody', token: 't' })).message).toContain('user "nobody" is not in');
  });

  it.each([
    ['', 'no kubeconfig was found (looked for /c)', 'pass --kubeconfig FILE, or set KUBECONFIG'],
    [
      'clusters: [{name: a, cluster: {server: https://x}}]',
      'no context is chosen in /c',
      'pass --context NAME, or choose a context: kubectl config use-context NAME',
    ],
  ])('says what is missing, and how to name it: {%s}', (config, why, hint) => {
    const error = thrown(() => chooseAccess(parseKubeconfig(config, '/c'), {}, '/c'));
    expect(error).toMatchObject({ message: `there is no cluster to talk to: ${why}`, hint });
  });

  it('needs no kubeconfig when the server is named', () => {
    const access = chooseAccess(parseKubeconfig('', '/c'), { server: 'https://x:1', token: 't' }, '/c');
    expect(access.server.host).toBe('x:1');
    expect(chooseAccess(parseKubeconfig('', '/c'), { server: 'localhost:8080' }, '/c').server.href).toBe(
      'http://localhost:8080/',
    );
  });

  it.each([
    ['certificate-authority-data: QUJD', '', 'https:'],
    ['certificate-authority: /ca', '', 'https:'],
    ['insecure-skip-tls-verify: True', '', 'https:'],
    ['', 'client-certificate: /crt, client-key: /key', 'https:'],
    ['', 'token: t', 'http:'],
  ])('takes host:port with {%s} and {%s} for %s', (cluster, user, protocol) => {
    const config = `
current-context: c
clusters: [{name: c, cluster: {server: "h:6443", ${cluster}}}]
users: [{name: u, user: {${user}}}]
contexts: [{name: c, context: {cluster: c, user: u}}]`;
    expect(chooseAccess(parseKubeconfig(config, '/c'), {}, '/c').server.href).toBe(`${protocol}//h:6443/`);
  });

  it.each<[ConnectionOptions, string, string]>([
    [{ context: 'three' }, 'context "three" is not in /c', 'there are: broken, old, one, two'],
    [{ context: 'broken' }, 'cluster "nowhere" is not in /c', 'k1, k2'],
    [{ user: 'nobody' }, 'user "nobody" is not in /c', 'both, gcp, u1, u2'],
    [{ context: 'old' }, 'auth-provider "gcp", which is not supported', 'exec credential plugin'],
    [{ user: 'both' }, 'user "both" has both an auth-provider and an exec credential plugin', 'remove one of them'],
    [{ server: 'https://' }, 'not the URL of an API server', ''],
  ])('refuses %j', (options, problem, hint) => {
    const error = thrown(() => choose(options));
    expect(error.code).toBe('kubeconfig');
    expect(error.message).toContain(problem);
    expect(String(error.hint)).toContain(hint);
  });
});

describe('resolveAccess', () => {
  it('says where it looked when there is nothing', () => {
    const error = thrown(() => resolveAccess({}, {}, '/nonexistent'));
    expect(error.message).toContain('/nonexistent/.kube/config');
    expect(error.hint).toContain('--kubeconfig');
  });

  it('does not take the pod it runs in for a pod with a service account that is not there', () => {
    const error = thrown(() =>
      resolveAccess({}, { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' }, '/nonexistent'),
    );
    expect(error.code).toBe('kubeconfig');
  });
});
