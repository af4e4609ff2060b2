import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { resolveAccess } from '../../src/kubernetes/access.ts';

/** Who reads a field as kubectl does, and how that is known. Fields that are not listed must be read alike. */
type Differences = Readonly<Record<string, { right: 'ours' | 'client-node' | 'neither'; why: string }>>;

interface Row {
  what: string;
  /** Of each file of KUBECONFIG; none: there is no file. */
  files: readonly string[];
  differences?: Differences;
}

const ours = (why: string) => ({ right: 'ours', why }) as const;

/** A kubeconfig whose only context leads to this cluster and user, both as flow maps. */
const one = (cluster = '', user = '', context = ''): string => `
apiVersion: v1
kind: Config
current-context: c
clusters: [{name: k, cluster: {server: "https://k:6443"${cluster && `, ${cluster}`}}}]
users: [{name: u, user: {${user}}}]
contexts: [{name: c, context: {cluster: k, user: u${context && `, ${context}`}}}]
`;
const exec = (more: string): string => `exec: {apiVersion: client.authentication.k8s.io/v1, command: login, ${more}}`;

const merging =
  'client-go keeps the first of each name: https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/';
const impersonated = 'client-go sends it: rest.ImpersonationConfig; client-node knows only as';
const yaml11 = 'sigs.k8s.io/yaml reads YAML 1.1, seen with kubectl config view';
const tolerated = 'seen with kubectl config view, which reads the file';

const rows: readonly Row[] = [
  { what: 'a server and a token', files: [one('', 'token: t')] },
  { what: 'a namespace', files: [one('', 'token: t', 'namespace: shop')] },
  { what: 'a server with a path and a slash at its end', files: [one().replace('k:6443', 'k/clusters/a/')] },
  {
    what: 'authority and certificate as data',
    files: [one('certificate-authority-data: QUJD', 'client-certificate-data: QQ==, client-key-data: QQ==')],
  },
  {
    what: 'authority and certificate as absolute paths',
    files: [one('certificate-authority: /ca', 'client-certificate: /crt, client-key: /key')],
  },
  {
    what: 'authority and certificate as relative paths',
    files: [one('certificate-authority: ca', 'client-certificate: sub/crt, client-key: ../key')],
  },
  {
    what: 'data and file of an authority',
    files: [one('certificate-authority: /ca, certificate-authority-data: QUJD')],
  },
  { what: 'tls-server-name', files: [one('tls-server-name: other')] },
  { what: 'proxy-url', files: [one('proxy-url: "socks5://localhost:1080"')] },
  { what: 'insecure-skip-tls-verify: true', files: [one('insecure-skip-tls-verify: true')] },
  {
    what: 'insecure-skip-tls-verify with an authority',
    files: [one('insecure-skip-tls-verify: true, certificate-authority: /ca')],
    differences: {
      refused: ours('clientcmd validation: certificate-authority and insecure-skip-tls-verify exclude each other'),
    },
  },
  { what: 'insecure-skip-tls-verify: True', files: [one('insecure-skip-tls-verify: True')] },
  ...['yes', 'on', 'y'].map((word) => ({
    what: `insecure-skip-tls-verify: ${word}`,
    files: [one(`insecure-skip-tls-verify: ${word}`)],
    differences: { insecure: ours(yaml11) },
  })),
  { what: 'username and password', files: [one('', 'username: a, password: "b:c"')] },
  {
    what: 'a tokenFile',
    files: [one('', 'tokenFile: token')],
    differences: { tokenFile: ours('the field is tokenFile in clientcmd/api/v1; client-node reads token-file') },
  },
  {
    what: 'a token and a tokenFile',
    files: [one('', 'token: t, tokenFile: /token')],
    differences: { tokenFile: ours('the field is tokenFile in clientcmd/api/v1; client-node reads token-file') },
  },
  { what: 'as', files: [one('', 'token: t, as: jane')] },
  {
    what: 'as-groups',
    files: [one('', 'as: jane, as-groups: [a, "b,c"]')],
    differences: { groups: ours(impersonated) },
  },
  { what: 'as-uid', files: [one('', 'as: jane, as-uid: "7"')], differences: { uid: ours(impersonated) } },
  {
    what: 'as-user-extra',
    files: [one('', 'as: jane, as-user-extra: {reason: [x]}')],
    differences: { extra: ours(impersonated) },
  },
  {
    what: 'as-groups without as',
    files: [one('', 'as-groups: [a]')],
    differences: {
      refused: ours('clientcmd validation: requesting uid, groups or user-extra without impersonating a user'),
    },
  },
  { what: 'exec with arguments', files: [one('', exec('interactiveMode: Never, args: [a, b]'))] },
  { what: 'exec with an environment', files: [one('', exec('interactiveMode: Never, env: [{name: A, value: "1"}]'))] },
  { what: 'exec with provideClusterInfo', files: [one('', exec('interactiveMode: Never, provideClusterInfo: true'))] },
  { what: 'exec v1beta1', files: [one('', exec('interactiveMode: IfAvailable').replace('/v1', '/v1beta1'))] },
  {
    what: 'exec with a relative command',
    files: [one('', exec('interactiveMode: Never').replace('login', './login'))],
    differences: {
      command: ours(
        'clientcmd resolves a command with a separator against the folder of the file: tools/clientcmd/loader.go',
      ),
    },
  },
  {
    what: 'auth-provider oidc',
    files: [one('', 'auth-provider: {name: oidc, config: {id-token: a.b.c, client-id: i}}')],
  },
  {
    what: 'auth-provider gcp',
    files: [one('', 'auth-provider: {name: gcp, config: {access-token: t}}')],
    differences: { refused: ours('kubectl has refused it since 1.26: use the gke-gcloud-auth-plugin') },
  },
  {
    what: 'JSON',
    files: [
      JSON.stringify({
        'current-context': 'c',
        clusters: [{ name: 'k', cluster: { server: 'https://k' } }],
        users: [{ name: 'u', user: { token: 't' } }],
        contexts: [{ name: 'c', context: { cluster: 'k', user: 'u' } }],
      }),
    ],
  },
  { what: 'an empty current-context', files: [one().replace('current-context: c', 'current-context: ""')] },
  { what: 'a current-context that is not there', files: [one().replace('current-context: c', 'current-context: d')] },
  {
    what: 'a context with a cluster that is not there',
    files: [one().replace('cluster: k, user', 'cluster: l, user')],
  },
  {
    what: 'a context with a user that is not there',
    files: [one().replace('user: u}', 'user: v}')],
    differences: {
      refused: {
        right: 'neither',
        why: 'kubectl asks on the terminal for a user name, client-node signs in as nobody; we name the user that is missing',
      },
    },
  },
  { what: 'a context without a user', files: [one().replace(', user: u}', '}')] },
  {
    what: 'a cluster without a server beside the one in use',
    files: [one().replace('clusters: [', 'clusters: [{name: x, cluster: {}}, ')],
    differences: { refused: ours('clientcmd validates the context in use alone; client-node refuses the file') },
  },
  {
    what: 'one name twice in clusters',
    files: [one().replace('clusters: [', 'clusters: [{name: k, cluster: {server: "https://first"}}, ')],
    differences: {
      refused: ours(
        'error converting *[]NamedCluster into *map[string]*api.Cluster: duplicate name, seen with kubectl',
      ),
    },
  },
  { what: 'a key twice', files: [`current-context: d\n${one()}`], differences: { refused: ours(tolerated) } },
  { what: 'two documents', files: [`${one()}---\ncurrent-context: d\n`], differences: { refused: ours(tolerated) } },
  { what: 'a merge key', files: [one('', '<<: {token: t}')], differences: { token: ours(tolerated) } },
  { what: 'a byte order mark and lines of Windows', files: [`\u{feff}${one().trim().replaceAll('\n', '\r\n')}`] },
  {
    what: 'a number for a password',
    files: [one('', 'username: a, password: 0123')],
    differences: {
      password: {
        right: 'neither',
        why: 'kubectl refuses the file: cannot unmarshal number into a string; ours takes what is written',
      },
    },
  },
  {
    what: 'a context in one file and its user in another',
    files: [one('', 'token: t').replace(/^users.*$/m, ''), 'users: [{name: u, user: {token: t}}]'],
  },
  {
    what: 'the same names in two files',
    files: [one('', 'token: a'), one('', 'token: b')],
    differences: { refused: ours(merging) },
  },
  {
    what: 'current-context in two files',
    files: ['current-context: c', one().replace('current-context: c', 'current-context: d')],
    differences: { refused: ours(merging) },
  },
  {
    what: 'a file of the list that is missing',
    files: ['MISSING', one()],
    differences: { refused: ours('files of KUBECONFIG that are missing are skipped, as documented there') },
  },
  { what: 'an empty file', files: [''] },
  {
    what: 'no file at all',
    files: [],
    differences: {
      refused: {
        right: 'client-node',
        why: 'kubectl dials localhost:8080 as well; we say that no kubeconfig was found, and where we looked',
      },
    },
  },
];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'oracle-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** What an entry comes to, without what is absent, empty or false. */
function compact(fields: Record<string, unknown>): Record<string, unknown> {
  const isAbsent = (value: unknown) =>
    [undefined, null, '', false].includes(value as never) || (Array.isArray(value) && value.length === 0);
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !isAbsent(value)));
}

const withoutSlash = (server: string) => server.replace(/\/$/, '');

function readByUs(env: Record<string, string>): Record<string, unknown> {
  const { context, server, namespace, cluster, user } = resolveAccess({}, env, folder);
  return compact({
    context,
    server: withoutSlash(server.href),
    namespace,
    authority: cluster.certificateAuthority,
    authorityData: cluster.certificateAuthorityData,
    insecure: cluster.insecureSkipTlsVerify,
    serverName: cluster.tlsServerName,
    proxy: cluster.proxyUrl,
    certificate: user.clientCertificate,
    certificateData: user.clientCertificateData,
    key: user.clientKey,
    keyData: user.clientKeyData,
    token: user.token,
    tokenFile: user.tokenFile,
    username: user.username,
    password: user.password,
    as: user.as,
    uid: user.asUid,
    groups: user.asGroups,
    extra: user.asUserExtra,
    provider: user.authProvider,
    command: user.exec?.command,
    arguments: user.exec?.args,
    environment: user.exec?.env,
    version: user.exec?.apiVersion,
    clusterInfo: user.exec?.provideClusterInfo,
  });
}

function readByClientNode(env: Record<string, string>): Record<string, unknown> {
  vi.stubEnv('KUBECONFIG', env.KUBECONFIG);
  vi.stubEnv('HOME', folder);
  const config = new KubeConfig();
  config.loadFromDefault();
  const context = config.getContextObject(config.getCurrentContext());
  const cluster = config.getCurrentCluster();
  if (!context || !cluster) throw new Error('no context or no cluster');
  const user = config.getCurrentUser();
  return compact({
    context: context.name,
    server: withoutSlash(cluster.server),
    namespace: context.namespace ?? 'default',
    authority: cluster.caFile,
    authorityData: cluster.caData,
    insecure: cluster.skipTLSVerify,
    serverName: cluster.tlsServerName,
    proxy: cluster.proxyUrl,
    certificate: user?.certFile,
    certificateData: user?.certData,
    key: user?.keyFile,
    keyData: user?.keyData,
    token: user?.token,
    username: user?.username,
    password: user?.password,
    as: user?.impersonateUser,
    provider: user?.authProvider,
    command: user?.exec?.command,
    arguments: user?.exec?.args,
    environment: user?.exec?.env,
    version: user?.exec?.apiVersion,
    clusterInfo: user?.exec?.provideClusterInfo,
  });
}

function readOrRefused(read: () => Record<string, unknown>): Record<string, unknown> {
  try {
    return read();
  } catch {
    return { refused: true };
  }
}

/** The fields that the two say differently; when one alone refuses, that is the difference. */
function differing(a: Record<string, unknown>, b: Record<string, unknown>): string[] {
  if (a.refused !== b.refused) return ['refused'];
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].filter((name) => JSON.stringify(a[name]) !== JSON.stringify(b[name])).sort();
}

describe('what client-node reads from a kubeconfig', () => {
  it.each(rows)('of $what is what we read, but for what is listed', ({ files, differences = {} }) => {
    const paths = files.map((text, index) => {
      const path = join(folder, `config${index}`);
      if (text !== 'MISSING') writeFileSync(path, text);
      return path;
    });
    const env = { KUBECONFIG: paths.join(delimiter), HOME: folder };
    const [we, they] = [readOrRefused(() => readByUs(env)), readOrRefused(() => readByClientNode(env))];
    expect(differing(we, they), JSON.stringify({ we, they })).toEqual(Object.keys(differences).sort());
  });
});
