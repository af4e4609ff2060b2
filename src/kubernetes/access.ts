import { readFileSync } from 'node:fs';
import { ChaosError } from '../errors.ts';
import type { ConnectionOptions } from '../ports.ts';
import { type ClusterEntry, type Kubeconfig, kubeconfigPaths, loadKubeconfig, type UserEntry } from './kubeconfig.ts';

/** Environment variables, as `main` was given them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where the API server is, and as whom to speak to it: what kubeconfig, flags and the pod we may run in come to. */
export interface Access {
  /** Its name in the kubeconfig; absent: no context is in use, or a flag has put another cluster in its place. */
  context?: string;
  /** Names of contexts by which the API server is known: the one in use, or, where a flag has put another cluster in its place, all that lead to that one. */
  contexts: readonly string[];
  server: URL;
  namespace: string;
  cluster: ClusterEntry;
  user: UserEntry;
  /** Absent: it was not read from files. */
  origin?: AccessOrigin;
}

/** How the same choice is made again, by us and by kubectl. */
export interface AccessOrigin {
  /** Reads the files again. Throws ChaosError as `resolveAccess`. */
  rereadUser(): UserEntry;
  /** The flags with which kubectl chooses the same cluster and user. */
  kubectlFlags: readonly string[];
}

const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Finds kubeconfig files as kubectl does and chooses from them; falls back on the service account of the pod we run in. Throws ChaosError kubeconfig
 * or usage.
 */
export function resolveAccess(options: ConnectionOptions, env: Environment, homedir: string): Access {
  const { paths, mustExist } = kubeconfigPaths(options.kubeconfig, env, homedir);
  const kubeconfig = loadKubeconfig(paths, mustExist);
  const pod = mustExist || !isEmpty(kubeconfig) || options.server ? undefined : inClusterAccess(env);
  if (pod) {
    const { context: _ours, ...access } = chooseAccess(pod, { ...options }, 'the service account of this pod');
    return { ...access, contexts: [] };
  }
  const source = paths.join(', ');
  const rereadUser = () => chooseAccess(loadKubeconfig(paths, mustExist), options, source).user;
  return { ...chooseAccess(kubeconfig, options, source), origin: { rereadUser, kubectlFlags: kubectlFlags(options) } };
}

function kubectlFlags(options: ConnectionOptions): string[] {
  const { kubeconfig, context, cluster, user, server } = options;
  const { tlsServerName, certificateAuthority, insecureSkipTlsVerify } = options;
  const texts = { kubeconfig, context, cluster, user, server };
  const trust = { 'tls-server-name': tlsServerName, 'certificate-authority': certificateAuthority };
  return [
    ...Object.entries({ ...texts, ...trust }).flatMap(([name, value]) => (value ? [`--${name}=${value}`] : [])),
    ...(insecureSkipTlsVerify ? ['--insecure-skip-tls-verify'] : []),
  ];
}

function isEmpty(kubeconfig: Kubeconfig): boolean {
  return kubeconfig.clusters.size + kubeconfig.users.size + kubeconfig.contexts.size === 0;
}

/** https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/ */
function inClusterAccess(env: Environment): Kubeconfig | undefined {
  const host = env.KUBERNETES_SERVICE_HOST;
  const port = env.KUBERNETES_SERVICE_PORT;
  if (!host || !port) return undefined;
  let namespace: string;
  try {
    namespace = readFileSync(`${serviceAccount}/namespace`, 'utf8').trim();
  } catch {
    return undefined;
  }
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
  return {
    currentContext: 'pod',
    clusters: new Map([['pod', { server, certificateAuthority: `${serviceAccount}/ca.crt` }]]),
    users: new Map([['pod', { tokenFile: `${serviceAccount}/token` }]]),
    contexts: new Map([['pod', { cluster: 'pod', user: 'pod', namespace }]]),
  };
}

/** Chooses context, cluster and user and lays the flags over them, as kubectl's clientcmd does. `source` names the files in errors. Pure. */
export function chooseAccess(kubeconfig: Kubeconfig, options: ConnectionOptions, source: string): Access {
  const contextName = options.context || kubeconfig.currentContext;
  const context = kubeconfig.contexts.get(contextName);
  if (contextName && !context && (options.context || !isEmpty(kubeconfig))) {
    throw missing('context', contextName, kubeconfig.contexts, source);
  }
  const clusterName = options.cluster || context?.cluster || '';
  const userName = options.user || context?.user || '';
  const cluster = kubeconfig.clusters.get(clusterName);
  const user = kubeconfig.users.get(userName);
  // What a context names may be missing where flags give what it would have said, as for kubectl.
  const isPlaced = options.server && !options.cluster;
  const isSignedIn = (options.token || options.clientCertificate) && !options.user;
  if (clusterName && !cluster && !isPlaced) throw missing('cluster', clusterName, kubeconfig.clusters, source);
  if (userName && !user && !isSignedIn) throw missing('user', userName, kubeconfig.users, source);

  const chosen = overlayCluster(cluster ?? {}, options);
  const identity = overlayUser(user ?? {}, options, userName);
  if (!chosen.server) {
    const found = isEmpty(kubeconfig)
      ? `no kubeconfig was found (looked for ${source})`
      : `no context is chosen in ${source}`;
    throw new ChaosError('kubeconfig', `there is no cluster to talk to: ${found}`, {
      hint: isEmpty(kubeconfig)
        ? 'pass --kubeconfig FILE, or set KUBECONFIG'
        : 'pass --context NAME, or choose a context: kubectl config use-context NAME',
    });
  }
  const isOther =
    clusterName !== context?.cluster || (options.server !== undefined && options.server !== cluster?.server);
  return {
    ...(context && !isOther ? { context: contextName } : {}),
    contexts: isOther ? contextsOf(kubeconfig, chosen.server) : [contextName],
    server: parseServer(chosen.server, expectsTls(chosen, identity)),
    namespace: options.namespace || context?.namespace || 'default',
    cluster: chosen,
    user: identity,
  };
}

function contextsOf({ contexts, clusters }: Kubeconfig, server: string): string[] {
  const leadsThere = ({ cluster = '' }: { cluster?: string }) => clusters.get(cluster)?.server === server;
  return [...contexts].flatMap(([name, context]) => (leadsThere(context) ? [name] : []));
}

function missing(kind: string, name: string, known: ReadonlyMap<string, unknown>, source: string): ChaosError {
  const names = [...known.keys()].sort();
  return new ChaosError('kubeconfig', `${kind} "${name}" is not in ${source}`, {
    hint:
      names.length > 0
        ? `there ${names.length === 1 ? 'is' : 'are'}: ${names.join(', ')}`
        : `no ${kind} is defined there`,
  });
}

/** What client-go's rest.DefaultServerUrlFor takes for a sign of TLS in a server without a scheme: anything that only TLS has a use for. */
function expectsTls(cluster: ClusterEntry, user: UserEntry): boolean {
  return Boolean(
    cluster.certificateAuthority ||
      cluster.certificateAuthorityData ||
      cluster.insecureSkipTlsVerify ||
      user.clientCertificate ||
      user.clientCertificateData,
  );
}

function parseServer(server: string, secure: boolean): URL {
  const text = /^https?:\/\//.test(server) ? server : `${secure ? 'https' : 'http'}://${server}`;
  try {
    return new URL(text);
  } catch (error) {
    throw new ChaosError('kubeconfig', `"${server}" is not the URL of an API server`, { cause: error });
  }
}

function overlayCluster(entry: ClusterEntry, options: ConnectionOptions): ClusterEntry {
  const cluster: ClusterEntry = { ...entry };
  if (options.server) cluster.server = options.server;
  if (options.tlsServerName) cluster.tlsServerName = options.tlsServerName;
  // Each of the two flags replaces what the kubeconfig says about trust, whichever of the two it said.
  if (options.certificateAuthority || options.insecureSkipTlsVerify) {
    delete cluster.certificateAuthority;
    delete cluster.certificateAuthorityData;
    delete cluster.insecureSkipTlsVerify;
  }
  if (options.certificateAuthority) cluster.certificateAuthority = options.certificateAuthority;
  if (options.insecureSkipTlsVerify) cluster.insecureSkipTlsVerify = true;
  if (cluster.insecureSkipTlsVerify && (cluster.certificateAuthority || cluster.certificateAuthorityData)) {
    throw new ChaosError('kubeconfig', 'a certificate authority and insecure-skip-tls-verify are mutually exclusive', {
      hint: 'remove one of them from the kubeconfig or the command line',
    });
  }
  return cluster;
}

function overlayUser(entry: UserEntry, options: ConnectionOptions, name: string): UserEntry {
  const user: UserEntry = { ...entry };
  if (options.token) {
    user.token = options.token;
    for (const other of ['tokenFile', 'username', 'password', 'exec', 'authProvider'] as const) delete user[other];
  }
  if (options.clientCertificate) {
    user.clientCertificate = options.clientCertificate;
    delete user.clientCertificateData;
  }
  if (options.clientKey) {
    user.clientKey = options.clientKey;
    delete user.clientKeyData;
  }
  if (options.as) user.as = options.as;
  if (options.asUid) user.asUid = options.asUid;
  if (options.asGroup && options.asGroup.length > 0) user.asGroups = options.asGroup;
  if (!user.as && (user.asUid || user.asGroups || user.asUserExtra)) {
    throw new ChaosError('kubeconfig', 'a group, uid or extra cannot be impersonated without a user', {
      hint: 'add --as USER',
    });
  }
  const provider = user.authProvider?.name;
  if (provider !== undefined && provider !== 'oidc') {
    throw new ChaosError(
      'kubeconfig',
      `user "${name}" signs in with the auth-provider "${provider}", which is not supported`,
      { hint: 'use an exec credential plugin (gke-gcloud-auth-plugin, kubelogin) or --token' },
    );
  }
  if (user.authProvider && user.exec) {
    throw new ChaosError('kubeconfig', `user "${name}" has both an auth-provider and an exec credential plugin`, {
      hint: 'remove one of them: kubectl refuses the user as well',
    });
  }
  return user;
}
