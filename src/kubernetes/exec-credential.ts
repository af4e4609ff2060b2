import { spawn } from 'node:child_process';
import { ChaosError } from '../errors.ts';
import { joinWords } from '../text.ts';
import type { Access, Environment } from './access.ts';
import type { ExecEntry } from './kubeconfig.ts';
import { readPem } from './pem.ts';

/** What a credential plugin gave. */
export interface ExecCredential {
  token?: string;
  clientCertificate?: string;
  clientKey?: string;
  /** Milliseconds since the epoch; undefined: until the server says 401. */
  expires?: number;
}

/** How a credential plugin may talk to the user; the terminal belongs to `main`. */
export interface PluginTerminal {
  interactive: boolean;
  /** Nobody waits for more than until this aborts, and what the plugin says on stderr is shown to nobody; absent: the user waits. */
  until?: AbortSignal;
}

const versions = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'];

/**
 * Runs a credential plugin as client-go does: KUBERNETES_EXEC_INFO set, stderr the user's, stdin the user's when it is a terminal and
 * `interactiveMode` allows it, else empty and closed.
 * Rejects with ChaosError unauthorized or kubeconfig that names the command.
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
 */
export async function runCredentialPlugin(
  exec: ExecEntry,
  access: Access,
  env: Environment,
  terminal: PluginTerminal,
): Promise<ExecCredential> {
  if (exec.command === '') {
    throw new ChaosError('kubeconfig', 'the credential plugin of the user has no command', {
      hint: 'add exec.command to the user in the kubeconfig',
    });
  }
  if (!versions.includes(exec.apiVersion)) {
    throw new ChaosError('kubeconfig', `the credential plugin ${exec.command} speaks "${exec.apiVersion}"`, {
      hint: `supported are ${joinWords(versions)}: update the user in the kubeconfig`,
    });
  }
  const mode = interactiveMode(exec);
  if (mode === 'Always' && !terminal.interactive) {
    throw new ChaosError(
      'unauthorized',
      `the credential plugin ${exec.command} requires a terminal, and stdin is not one`,
    );
  }
  const interactive = terminal.interactive && mode !== 'Never';
  const output = await run(
    exec,
    { ...terminal, interactive },
    {
      ...env,
      ...Object.fromEntries(exec.env.map(({ name, value }) => [name, value])),
      KUBERNETES_EXEC_INFO: JSON.stringify({
        kind: 'ExecCredential',
        apiVersion: exec.apiVersion,
        spec: { interactive, ...(exec.provideClusterInfo ? { cluster: clusterInfo(access) } : {}) },
      }),
    },
  );
  return parseCredential(output, exec);
}

/** v1 demands the field, v1beta1 takes IfAvailable for it: client-go's tools/clientcmd/validation.go and api/v1/defaults.go. */
function interactiveMode({ command, apiVersion, interactiveMode: mode }: ExecEntry): string {
  if (mode === undefined && apiVersion.endsWith('/v1beta1')) return 'IfAvailable';
  if (mode !== undefined && ['Never', 'IfAvailable', 'Always'].includes(mode)) return mode;
  const problem = mode === undefined ? 'has no interactiveMode' : `has the interactiveMode "${mode}"`;
  throw new ChaosError('kubeconfig', `the credential plugin ${command} ${problem}`, {
    hint: 'set exec.interactiveMode of the user in the kubeconfig to Never, IfAvailable or Always',
  });
}

function clusterInfo({ cluster, server }: Access): Record<string, unknown> {
  const { certificateAuthorityData, certificateAuthority } = cluster;
  const authority = readPem(certificateAuthorityData, certificateAuthority, 'certificate authority');
  return {
    server: server.href.replace(/\/$/, ''),
    ...(cluster.tlsServerName ? { 'tls-server-name': cluster.tlsServerName } : {}),
    ...(cluster.insecureSkipTlsVerify ? { 'insecure-skip-tls-verify': true } : {}),
    ...(authority ? { 'certificate-authority-data': Buffer.from(authority).toString('base64') } : {}),
    ...(cluster.proxyUrl ? { 'proxy-url': cluster.proxyUrl } : {}),
    ...(cluster.execConfig === undefined ? {} : { config: cluster.execConfig }),
  };
}

function run(exec: ExecEntry, { interactive, until }: PluginTerminal, env: Environment): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(exec.command, exec.args, {
      env: { ...env },
      stdio: [interactive ? 'inherit' : 'ignore', 'pipe', until ? 'ignore' : 'inherit'],
      ...(until ? { signal: until } : {}),
      windowsHide: true,
    });
    const chunks: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'ENOENT' ? 'it was not found' : error.message;
      reject(
        new ChaosError('unauthorized', `the credential plugin ${exec.command} could not be run: ${why}`, {
          hint: exec.installHint ?? 'install it, or correct the user in the kubeconfig',
          cause: error,
        }),
      );
    });
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(Buffer.concat(chunks).toString('utf8'));
      const how = signal ? `was ended by ${signal}` : `failed with exit code ${code}`;
      reject(
        new ChaosError('unauthorized', `the credential plugin ${exec.command} ${how}`, {
          hint: `its message is above; try it by hand: ${[exec.command, ...exec.args].join(' ')}`,
        }),
      );
    });
  });
}

/** Reads the plugin's stdout. Throws ChaosError unauthorized for what is not an ExecCredential with a token or a certificate with its key. */
export function parseCredential(output: string, exec: Pick<ExecEntry, 'command' | 'apiVersion'>): ExecCredential {
  const wrong = (what: string): ChaosError =>
    new ChaosError('unauthorized', `the credential plugin ${exec.command} gave no usable credential: ${what}`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(output);
  } catch {
    throw wrong('its output is not JSON');
  }
  const { kind, apiVersion, status } = (parsed ?? {}) as { kind?: unknown; apiVersion?: unknown; status?: unknown };
  if (kind !== 'ExecCredential') throw wrong(`its output is of kind ${JSON.stringify(kind)}`);
  if (apiVersion !== exec.apiVersion) throw wrong(`asked for ${exec.apiVersion}, got ${JSON.stringify(apiVersion)}`);
  if (typeof status !== 'object' || status === null) throw wrong('it has no status');
  const { token, clientCertificateData, clientKeyData, expirationTimestamp } = status as Record<string, unknown>;
  const credential: ExecCredential = {};
  if (typeof token === 'string' && token) credential.token = token;
  if (typeof clientCertificateData === 'string' && typeof clientKeyData === 'string') {
    credential.clientCertificate = clientCertificateData;
    credential.clientKey = clientKeyData;
  } else if (clientCertificateData || clientKeyData) {
    throw wrong('a client certificate comes with its key, or not at all');
  }
  if (!credential.token && !credential.clientCertificate) throw wrong('neither a token nor a client certificate');
  if (typeof expirationTimestamp === 'string') {
    const expires = Date.parse(expirationTimestamp);
    if (Number.isNaN(expires)) throw wrong(`"${expirationTimestamp}" is not a time`);
    credential.expires = expires;
  }
  return credential;
}
