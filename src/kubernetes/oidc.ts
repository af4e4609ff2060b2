import { spawn } from 'node:child_process';
import { ChaosError } from '../errors.ts';
import type { Access, Environment } from './access.ts';
import type { AuthProviderEntry } from './kubeconfig.ts';

/** A token counts as expired so much earlier, for clocks that differ: expiryDelta of client-go's plugin/pkg/client/auth/oidc. */
const leewayMs = 10_000;

/**
 * The id-token of a user with `auth-provider: oidc`. An expired one is renewed by kubectl: a refresh token may be good for one use only, so whoever uses
 * it must store what comes back, and kubectl is the one that writes the kubeconfig.
 */
export class OidcToken {
  readonly #access: Access;
  readonly #env: Environment;
  #provider: AuthProviderEntry;
  #renewal: Promise<string> | undefined;

  constructor(provider: AuthProviderEntry, access: Access, env: Environment) {
    this.#provider = provider;
    this.#access = access;
    this.#env = env;
  }

  /** A token that is valid now. One renewal serves all that wait for it. Rejects with ChaosError unauthorized, without secrets. */
  async current(): Promise<string> {
    const token = validToken(this.#provider);
    if (token) return token;
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  async #renew(): Promise<string> {
    const stored = this.#reread();
    if (stored) return stored;
    const { origin } = this.#access;
    if (!this.#provider.config['refresh-token'] || !origin) {
      throw expired(this.#provider, 'there is no refresh-token', 'sign in again, as you got the id-token');
    }
    const problem = await askKubectl(origin.kubectlFlags, this.#env);
    const renewed = this.#reread();
    if (renewed) return renewed;
    const why = `kubectl has not renewed it: ${withoutSecrets(problem, this.#provider)}`;
    throw expired(this.#provider, why, 'sign in again, or try: kubectl get --raw /version');
  }

  /** The token that is stored now, if it is valid. */
  #reread(): string | undefined {
    const stored = this.#access.origin?.rereadUser().authProvider;
    if (stored) this.#provider = stored;
    return validToken(this.#provider);
  }
}

function validToken({ config }: AuthProviderEntry): string | undefined {
  const token = config['id-token'];
  return token && expiryOf(token) - leewayMs > Date.now() ? token : undefined;
}

/** When a JWT expires, in milliseconds since the epoch; 0: it does not say. Not verified: the API server does that. Throws ChaosError kubeconfig. */
export function expiryOf(token: string): number {
  const parts = token.split('.');
  try {
    if (parts.length !== 3) throw new Error('a JWT has three parts');
    const { exp } = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString('utf8')) as { exp?: unknown };
    return typeof exp === 'number' ? Math.floor(exp) * 1_000 : 0;
  } catch {
    // Without the cause, which may quote the token.
    throw new ChaosError('kubeconfig', 'the id-token of the auth-provider oidc is not a JWT', {
      hint: 'sign in again, or correct the user in the kubeconfig',
    });
  }
}

function expired({ config }: AuthProviderEntry, why: string, hint: string): ChaosError {
  const token = config['id-token'];
  const expiry = token ? expiryOf(token) : 0;
  const state = !token
    ? 'there is no id-token for the auth-provider oidc'
    : expiry === 0
      ? 'the id-token of the auth-provider oidc does not say until when it is valid'
      : `the id-token of the auth-provider oidc expired at ${new Date(expiry).toISOString()}`;
  return new ChaosError('unauthorized', `${state}, and ${why}`, { hint });
}

function withoutSecrets(text: string, { config }: AuthProviderEntry): string {
  const secrets = [config['id-token'], config['refresh-token'], config['client-secret']];
  return secrets.reduce<string>((rest, secret) => (secret ? rest.replaceAll(secret, '…') : rest), text);
}

/** For discovery at the issuer, the renewal, and an answer of the API server. */
const kubectlTimeoutMs = 60_000;

/** Runs a kubectl command that any user may run, which renews the token before it asks the server. Resolves with the last line of its stderr. */
function askKubectl(flags: readonly string[], env: Environment): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn('kubectl', ['get', '--raw', '/version', ...flags], {
      // Defaults of the user's own for `get` do not all go with --raw: https://kubernetes.io/docs/reference/kubectl/kuberc/
      env: { ...env, KUBERC: 'off' },
      stdio: ['ignore', 'ignore', 'pipe'],
      windowsHide: true,
      timeout: kubectlTimeoutMs,
    });
    const chunks: Buffer[] = [];
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'ENOENT' ? 'it was not found' : error.message),
    );
    child.on('close', (code, signal) => {
      if (signal) return resolve(`it had not answered within ${kubectlTimeoutMs / 1_000}s`);
      const lines = Buffer.concat(chunks).toString('utf8').trim().split('\n');
      resolve(lines.at(-1) || `it ended with exit code ${code}`);
    });
  });
}
