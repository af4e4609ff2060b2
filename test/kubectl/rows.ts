import type { ProxyKind } from '../fakes/proxies.ts';

/** One way to say where the API server is and who asks. `$server`, `$named` and `$plain` (by name, with TLS and without), `$port`, `$proxy`, `$ca`, `$key`, `$intermediate` and `$here` stand for what a run has. */
export interface Row {
  what: string;
  /** The file that KUBECONFIG names. */
  config?: string;
  /** Other files of the same folder. */
  files?: Record<string, string>;
  env?: Record<string, string>;
  args?: readonly string[];
  /** `leaf`: its certificate is signed by an intermediate. */
  server?: 'plain' | 'leaf';
  proxy?: ProxyKind;
  /** Without kubectl's look at what kinds there are, which it repeats for a minute where nothing answers. */
  single?: true;
  kubectl: 'connects' | 'refuses';
  /** Why ours does not do as kubectl does. */
  differs?: string;
}

type Fields = Record<string, unknown>;
const trusted = { server: '$server', 'certificate-authority-data': '$ca' };

/** A kubeconfig of one context. */
export function config(cluster: Fields = trusted, user: Fields = { token: 'secret' }, context: Fields = {}): string {
  return JSON.stringify({
    'current-context': 'a',
    clusters: [{ name: 'a', cluster }],
    users: [{ name: 'a', user }],
    contexts: [{ name: 'a', context: { cluster: 'a', user: 'a', ...context } }],
  });
}

/** As `config`, in YAML's own form. */
const yaml = (more: string): string => `
current-context: a
clusters:
- name: a
  cluster:
    server: $server
${more}
users: [{name: a, user: {token: secret}}]
contexts: [{name: a, context: {cluster: a, user: a, namespace: shop}}]
`;

const ca = '    certificate-authority-data: $ca';

const plugin = (exec: Fields): string =>
  config(trusted, {
    exec: {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: './plugin',
      interactiveMode: 'Never',
      provideClusterInfo: false,
      ...exec,
    },
  });
const gives = (status: string, version = 'v1'): string =>
  `#!/bin/sh\necho '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/${version}","status":${status}}'\n`;
const tokenPlugin = { plugin: gives('{"token":"given"}') };
/** The authority that it was told is its token. */
const tellingPlugin = `#!/bin/sh
token=$(printf '%s' "$KUBERNETES_EXEC_INFO" | sed -n 's/.*"certificate-authority-data":"\\([^"]*\\)".*/\\1/p')
echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"'"$token"'"}}'
`;

const encoded = (value: Fields): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = (exp: number): string => `${encoded({ alg: 'none' })}.${encoded({ exp })}.c2ln`;
const oidc = (more: Fields): string =>
  config(trusted, {
    'auth-provider': { name: 'oidc', config: { 'idp-issuer-url': 'https://127.0.0.1:1', 'client-id': 'x', ...more } },
  });

const connects = 'connects' as const;
const refuses = 'refuses' as const;
const row = (what: string, kubectl: Row['kubectl'], rest: Partial<Row>): Row => ({ what, kubectl, ...rest });

const files: Row[] = [
  row('a plain kubeconfig', connects, { config: config() }),
  row('the namespace of the context', connects, { config: config(trusted, { token: 't' }, { namespace: 'shop' }) }),
  row('-n before the namespace of the context', connects, {
    config: config(trusted, { token: 't' }, { namespace: 'shop' }),
    args: ['-n', 'x'],
  }),
  ...['yes', 'True'].map((word) =>
    row(`insecure-skip-tls-verify: ${word}`, connects, { config: yaml(`    insecure-skip-tls-verify: ${word}`) }),
  ),
  ...['off', 'maybe'].map((word) =>
    row(`insecure-skip-tls-verify: ${word}`, refuses, { config: yaml(`    insecure-skip-tls-verify: ${word}`) }),
  ),
  row('a key twice', connects, { config: `current-context: b\n${yaml(ca)}` }),
  row('two documents', connects, { config: `${yaml(ca)}---\ncurrent-context: b\n` }),
  row('a second document that is not YAML', connects, { config: `${yaml(ca)}---\n: [ x\n` }),
  row('not YAML', refuses, { config: 'a: [' }),
  row('a namespace that YAML 1.1 takes for a boolean', refuses, {
    config: yaml(ca).replace('namespace: shop', 'namespace: n'),
    differs: 'a name is taken as it is written',
  }),
  row('a name twice in one file', refuses, {
    config: `${yaml(ca)}`.replace('users: [', 'users: [{name: a, user: {token: other}}, '),
  }),
  row('a name in two files', connects, {
    config: config(),
    files: { other: config(trusted, { token: 'other' }, { namespace: 'other' }) },
    env: { KUBECONFIG: '$here/other:$here/config' },
  }),
  row('a file of the list that is missing', connects, {
    config: config(),
    env: { KUBECONFIG: '$here/none:$here/config' },
  }),
  row('halves in two files', connects, {
    config: 'current-context: a\ncontexts: [{name: a, context: {cluster: a, user: a, namespace: shop}}]',
    files: {
      other: config()
        .replace('"current-context":"a",', '')
        .replace(/,"contexts".*/, '}'),
    },
    env: { KUBECONFIG: '$here/other:$here/config' },
  }),
  row('--kubeconfig that is missing', refuses, { config: config(), args: ['--kubeconfig', '$here/none'] }),
  row('no current context', refuses, { config: config().replace('"current-context":"a"', '"current-context":""') }),
  row('an unknown current context', refuses, {
    config: config().replace('"current-context":"a"', '"current-context":"b"'),
  }),
  row('an unknown --context', refuses, { config: config(), args: ['--context', 'b'] }),
  row('a context of an unknown cluster', refuses, { config: config(trusted, { token: 't' }, { cluster: 'b' }) }),
  row('a context of an unknown user', refuses, { config: config(trusted, { token: 't' }, { user: 'b' }) }),
  row('an unknown --cluster', refuses, { config: config(), args: ['--cluster', 'b'] }),
  row('an unknown --user', refuses, { config: config(), args: ['--user', 'b'] }),
  row('--server alone, with its authority', connects, {
    config: '{}',
    args: ['-s', '$server', '--token=t', '--certificate-authority', '$here/ca.crt'],
  }),
];

const trust: Row[] = [
  row('an authority by a relative path', connects, {
    config: config({ server: '$server', 'certificate-authority': 'ca.crt' }),
  }),
  row('an authority that is missing', refuses, {
    config: config({ server: '$server', 'certificate-authority': 'none.crt' }),
  }),
  row('no authority', refuses, { config: config({ server: '$server' }) }),
  row('an intermediate alone as the authority', connects, {
    server: 'leaf',
    config: config({ server: '$server', 'certificate-authority-data': '$intermediate' }),
  }),
  row('another authority', refuses, { server: 'leaf', config: config() }),
  row('tls-server-name that is a name', connects, { config: config({ ...trusted, 'tls-server-name': 'localhost' }) }),
  row('tls-server-name that is not in the certificate', refuses, {
    config: config({ ...trusted, 'tls-server-name': 'example.com' }),
  }),
  row('tls-server-name that is an address', connects, {
    server: 'leaf',
    config: config({
      server: '$server',
      'certificate-authority-data': '$intermediate',
      'tls-server-name': '10.96.0.1',
    }),
  }),
  row('insecure-skip-tls-verify beside an authority', refuses, {
    config: config({ ...trusted, 'insecure-skip-tls-verify': true }),
  }),
  row('--insecure-skip-tls-verify over an authority', connects, {
    config: config(),
    args: ['--insecure-skip-tls-verify'],
  }),
  row('host:port with an authority, where no TLS is spoken', connects, {
    server: 'plain',
    config: config({ ...trusted, server: '127.0.0.1:$port' }),
    differs: 'an authority is of use with TLS alone; kubectl goes there without, and leaves the token out',
  }),
  row('host:port without TLS', connects, {
    server: 'plain',
    config: config({ server: '127.0.0.1:$port' }, {}),
  }),
];

const identity: Row[] = [
  row('a token beside a token file', connects, {
    config: config(trusted, { token: 'said', tokenFile: 'token' }),
    files: { token: 'filed\n' },
  }),
  row('a token file by a relative path', connects, {
    config: config(trusted, { tokenFile: 'token' }),
    files: { token: ' filed\n' },
  }),
  row('a user without credentials', refuses, {
    config: config(trusted, {}),
    differs: 'kubectl asks for a name and a password, which no API server has taken since Kubernetes 1.19',
  }),
  row('a token before a server without TLS', connects, { server: 'plain', config: config({ server: '$server' }) }),
  row('impersonation before a server without TLS', connects, {
    server: 'plain',
    config: config({ server: '$server' }),
    args: ['--as=jane'],
  }),
  row('a plugin before a server without TLS', connects, {
    server: 'plain',
    config: plugin({}).replace(/"cluster":{[^}]*}/, '"cluster":{"server":"$server"}'),
    files: tokenPlugin,
  }),
  row('a token file that is missing', refuses, { config: config(trusted, { tokenFile: 'none' }) }),
  row('--token', connects, { config: config(), args: ['--token=flag'] }),
  row('--token over a token file', connects, {
    config: config(trusted, { tokenFile: 'token' }),
    files: { token: 'filed' },
    args: ['--token=flag'],
    differs: 'what the command line says counts; kubectl sends what is in the file',
  }),
  row('--token before a server without TLS', connects, {
    ...{ server: 'plain', config: config({ server: '$server' }, {}) },
    args: ['--token=flag'],
  }),
  row('--token over a plugin', connects, { ...{ config: plugin({}), files: tokenPlugin }, args: ['--token=flag'] }),
  row('a client certificate', connects, {
    config: config(trusted, { 'client-certificate-data': '$ca', 'client-key-data': '$key' }),
  }),
  row('a client certificate and a token', connects, {
    config: config(trusted, { token: 't', 'client-certificate-data': '$ca', 'client-key-data': '$key' }),
  }),
  row('a client certificate without its key', refuses, {
    config: config(trusted, { 'client-certificate-data': '$ca' }),
  }),
  row('an oidc id-token that is valid', connects, { config: oidc({ 'id-token': jwt(4_000_000_000) }) }),
  row('an oidc id-token that has expired, without a way to renew it', refuses, {
    config: oidc({ 'id-token': jwt(1_000_000_000) }),
  }),
  row('an auth-provider that is gone', refuses, { config: config(trusted, { 'auth-provider': { name: 'gcp' } }) }),
  row('name and password', connects, { config: config(trusted, { username: 'jane', password: 'p:w' }) }),
  row('--as', connects, { config: config(), args: ['--as', 'jane'] }),
  row('--as with groups', connects, {
    config: config(),
    args: ['--as=jane', '--as-group=dev', '--as-group', 'b', '--as-uid=7'],
  }),
  row('--as-group without --as', refuses, { config: config(), args: ['--as-group=dev'] }),
  row('--as-uid without --as', refuses, { config: config(), args: ['--as-uid=7'] }),
  row('impersonation in the kubeconfig', connects, {
    config: config(trusted, {
      token: 't',
      as: 'jane',
      'as-uid': '7',
      'as-groups': ['a,b', 'c'],
      'as-user-extra': { k: ['1', '2'] },
    }),
  }),
];

const plugins: Row[] = [
  row('a plugin of v1', connects, { config: plugin({}), files: tokenPlugin }),
  row('a plugin of v1beta1', connects, {
    config: plugin({ apiVersion: 'client.authentication.k8s.io/v1beta1', interactiveMode: undefined }),
    files: { plugin: gives('{"token":"given"}', 'v1beta1') },
  }),
  row('a plugin of v1 without interactiveMode', refuses, {
    config: plugin({ interactiveMode: undefined }),
    files: tokenPlugin,
  }),
  row('a plugin of v1alpha1', refuses, {
    config: plugin({ apiVersion: 'client.authentication.k8s.io/v1alpha1' }),
    files: tokenPlugin,
  }),
  row('a plugin that needs a terminal', refuses, { config: plugin({ interactiveMode: 'Always' }), files: tokenPlugin }),
  row('a plugin with another interactiveMode', refuses, {
    config: plugin({ interactiveMode: 'Sometimes' }),
    files: tokenPlugin,
  }),
  row('a plugin that is told the authority of a file', connects, {
    config: plugin({ provideClusterInfo: true }).replace(
      '"certificate-authority-data":"$ca"',
      '"certificate-authority":"ca.crt"',
    ),
    files: { plugin: tellingPlugin },
  }),
  row('a plugin that fails', refuses, { config: plugin({}), files: { plugin: '#!/bin/sh\nexit 1\n' } }),
  row('a plugin that is missing', refuses, { config: plugin({ command: 'no-such-plugin-here' }) }),
  row('a plugin that says nothing', refuses, { config: plugin({}), files: { plugin: '#!/bin/sh\n' } }),
  row('a plugin that answers in another version', refuses, {
    config: plugin({}),
    files: { plugin: gives('{"token":"given"}', 'v1beta1') },
  }),
  row('a plugin whose answer has no credential', refuses, { config: plugin({}), files: { plugin: gives('{}') } }),
];

const behind = (proxyUrl: string): string => config({ ...trusted, server: '$named', 'proxy-url': proxyUrl });
const named = config({ ...trusted, server: '$named' });
const proxies: Row[] = [
  row('proxy-url: http', connects, { proxy: 'http', config: behind('http://$proxy') }),
  row('proxy-url: socks5', connects, { proxy: 'socks5', config: behind('socks5://$proxy') }),
  row('proxy-url: socks5h', refuses, {
    ...{ proxy: 'socks5', config: behind('socks5h://$proxy') },
    differs: 'it means what socks5:// does to kubectl, which takes the word from the environment alone',
  }),
  row('HTTPS_PROXY that is socks5h', connects, {
    ...{ proxy: 'socks5', config: named },
    env: { HTTPS_PROXY: 'socks5h://$proxy' },
  }),
  row('proxy-url: https, trusted by the authority of the cluster', connects, {
    ...{ proxy: 'https', config: behind('https://$proxy') },
  }),
  row('proxy-url: https, trusted by the machine', connects, {
    ...{ proxy: 'https', config: config({ server: '$named', 'proxy-url': 'https://$proxy' }) },
    env: { SSL_CERT_FILE: '$here/ca.crt' },
  }),
  row('proxy-url: https, trusted by nobody', refuses, {
    ...{ proxy: 'https', config: config({ server: '$named', 'proxy-url': 'https://$proxy' }) },
  }),
  row('proxy-url: https, with --insecure-skip-tls-verify', connects, {
    ...{ proxy: 'https', config: config({ server: '$named', 'proxy-url': 'https://$proxy' }) },
    args: ['--insecure-skip-tls-verify'],
  }),
  row('proxy-url: https, trusted by the machine, before a cluster with an authority of its own', refuses, {
    ...{ proxy: 'https', server: 'leaf' },
    config: config({
      server: 'https://localhost:$port',
      'certificate-authority-data': '$intermediate',
      'proxy-url': 'https://$proxy',
    }),
    env: { SSL_CERT_FILE: '$here/ca.crt' },
    differs:
      'a proxy that the machine trusts is good enough for what is encrypted once more; kubectl knows one authority for both',
  }),
  row('proxy-url: http before a server without TLS', connects, {
    ...{ proxy: 'http', server: 'plain', config: config({ server: '$plain', 'proxy-url': 'http://$proxy' }) },
  }),
  row('proxy-url: socks5 before a server without TLS', connects, {
    ...{ proxy: 'socks5', server: 'plain', config: config({ server: '$plain', 'proxy-url': 'socks5://$proxy' }) },
  }),
  row('HTTP_PROXY before a server without TLS', connects, {
    ...{ proxy: 'http', server: 'plain', config: config({ server: '$plain' }) },
    env: { HTTP_PROXY: 'http://$proxy' },
  }),
  row('HTTPS_PROXY before a server without TLS', refuses, {
    ...{ proxy: 'http', server: 'plain', config: config({ server: '$plain' }) },
    env: { HTTPS_PROXY: 'http://$proxy' },
  }),
  row('proxy-url: socks4', refuses, { proxy: 'socks5', config: behind('socks4://$proxy') }),
  row('proxy-url before NO_PROXY', connects, {
    ...{ proxy: 'http', config: behind('http://$proxy') },
    env: { NO_PROXY: '*' },
  }),
  row('HTTPS_PROXY', connects, { proxy: 'http', config: named, env: { HTTPS_PROXY: 'http://$proxy' } }),
  row('HTTPS_PROXY without a scheme', connects, { proxy: 'http', config: named, env: { https_proxy: '$proxy' } }),
  row('HTTPS_PROXY that is SOCKS', connects, {
    ...{ proxy: 'socks5', config: named },
    env: { HTTPS_PROXY: 'socks5://$proxy' },
  }),
  row('HTTPS_PROXY with the server in NO_PROXY', refuses, {
    ...{ proxy: 'http', config: named },
    env: { HTTPS_PROXY: 'http://$proxy', NO_PROXY: '.test' },
  }),
  row('HTTPS_PROXY before an address of loopback', connects, {
    ...{ proxy: 'http', config: config() },
    env: { HTTPS_PROXY: 'http://$proxy' },
  }),
  row('ALL_PROXY', refuses, { proxy: 'http', config: named, env: { ALL_PROXY: 'http://$proxy' } }),
  row('a proxy that buffers', connects, {
    ...{ proxy: 'buffers', config: config({ server: 'https://$proxy', 'certificate-authority-data': '$ca' }) },
  }),
  row('a proxy that refuses', refuses, { proxy: 'refuses', config: behind('http://$proxy') }),
  row('a proxy that cuts', refuses, { proxy: 'cuts', single: true, config: behind('http://$proxy') }),
  row('a proxy that is silent', refuses, {
    ...{ proxy: 'silent', single: true, config: behind('http://$proxy') },
    args: ['--request-timeout=1s'],
  }),
];

export const rows: readonly Row[] = [...files, ...trust, ...identity, ...plugins, ...proxies];
