import { X509Certificate } from 'node:crypto';
import { ChaosError } from '../errors.ts';
import type { CredentialFacts } from '../facts.ts';
import type { Access, Environment } from './access.ts';
import { type ExecCredential, type PluginTerminal, runCredentialPlugin } from './exec-credential.ts';
import { readText } from './files.ts';
import { expiryOf, OidcToken } from './oidc.ts';
import { keyPair, Rotated, readPem } from './pem.ts';

/** Who we are, for one request: header fields and, for TLS, a client certificate. */
export interface Identity {
  headers: Record<string, string | string[]>;
  certificate?: { cert: string; key: string };
}

/** Gives the identity for each request; renews what expires. */
export class Credentials {
  readonly #access: Access;
  readonly #env: Environment;
  readonly #terminal: PluginTerminal;
  readonly #certificate: Rotated<Identity['certificate']>;
  #tokenFile: Rotated<string> | undefined;
  readonly #oidc: OidcToken | undefined;
  #plugin: Promise<ExecCredential> | undefined;

  /** Throws ChaosError kubeconfig for a certificate that cannot be read. */
  constructor(access: Access, env: Environment, terminal: PluginTerminal) {
    this.#access = access;
    this.#env = env;
    this.#terminal = terminal;
    this.#certificate = new Rotated(() => readCertificate(access.user));
    const { authProvider } = access.user;
    this.#oidc = authProvider ? new OidcToken(authProvider, access, env) : undefined;
  }

  /** Rejects with ChaosError unauthorized or kubeconfig. */
  async identity(): Promise<Identity> {
    const { user, server } = this.#access;
    // As kubectl: what proves who we are goes over TLS alone (rest.IsConfigTransportTLS of client-go), impersonation anywhere.
    if (server.protocol !== 'https:') return { headers: impersonation(user) };
    const plugin = user.exec && !user.token ? await this.#pluginCredential() : undefined;
    const token = this.#readTokenFile() ?? user.token ?? plugin?.token;
    const headers: Identity['headers'] = impersonation(user);
    if (token) headers.authorization = `Bearer ${token}`;
    else if (user.username) {
      headers.authorization = `Basic ${Buffer.from(`${user.username}:${user.password ?? ''}`).toString('base64')}`;
    } else if (this.#oidc) headers.authorization = `Bearer ${await this.#oidc.current()}`;
    const certificate =
      plugin?.clientCertificate && plugin.clientKey
        ? { cert: plugin.clientCertificate, key: plugin.clientKey }
        : this.#certificate.value;
    return { headers, ...(certificate ? { certificate } : {}) };
  }

  /** What proves who asks, and until when; the token goes before the certificate, since both name the same user as a rule. Rejects as `identity`. */
  async facts(): Promise<Pick<CredentialFacts, 'kind' | 'expires' | 'impersonated'>> {
    const { user, server } = this.#access;
    const impersonated = user.as === undefined ? {} : { impersonated: user.as };
    if (server.protocol !== 'https:') return { kind: 'none', ...impersonated };
    const { headers, certificate } = await this.identity();
    const token = /^Bearer (.*)$/s.exec(String(headers.authorization ?? ''))?.[1];
    const plugin = await this.#plugin;
    const times = [
      plugin?.expires,
      token === undefined ? undefined : jwtExpiry(token),
      token === undefined && certificate ? Date.parse(new X509Certificate(certificate.cert).validTo) : undefined,
    ];
    const [expires] = times.filter((time) => time !== undefined);
    const kind = kindOf(user, { isPlugin: plugin !== undefined, token, certificate });
    return { kind, ...(expires === undefined ? {} : { expires: new Date(expires) }), ...impersonated };
  }

  /** After a 401: whether there is something that may give a newer credential on the next call. */
  renew(): boolean {
    const renewable = this.#plugin !== undefined || this.#tokenFile !== undefined;
    this.#plugin = undefined;
    this.#tokenFile = undefined;
    return renewable;
  }

  /** One run of the plugin serves all requests that wait for it. */
  async #pluginCredential(): Promise<ExecCredential | undefined> {
    const { exec } = this.#access.user;
    if (!exec) return undefined;
    const current = this.#plugin;
    if (current) {
      const known = await current;
      if (known.expires === undefined || known.expires > Date.now()) return known;
      // Another request has run it meanwhile; what has just been given is taken, expired or not, as client-go does.
      if (this.#plugin && this.#plugin !== current) return this.#plugin;
    }
    const run = runCredentialPlugin(exec, this.#access, this.#env, this.#terminal);
    this.#plugin = run;
    run.catch(() => {
      if (this.#plugin === run) this.#plugin = undefined;
    });
    return run;
  }

  /** Kubelets rotate projected tokens. When the file cannot be read, the token that is written beside it counts, as in client-go. */
  #readTokenFile(): string | undefined {
    const { tokenFile, token } = this.#access.user;
    if (!tokenFile) return undefined;
    try {
      this.#tokenFile ??= new Rotated(() => readToken(tokenFile));
      return this.#tokenFile.value;
    } catch (error) {
      if (token) return undefined;
      throw error;
    }
  }
}

/** In the order in which `identity` takes them. */
function kindOf(
  user: Access['user'],
  {
    isPlugin,
    token,
    certificate,
  }: { isPlugin: boolean; token: string | undefined; certificate: Identity['certificate'] },
): CredentialFacts['kind'] {
  if (isPlugin) return 'plugin';
  if (token !== undefined) return user.tokenFile ? 'token file' : user.token ? 'token' : 'oidc';
  if (user.username) return 'password';
  return certificate ? 'certificate' : 'none';
}

/** Undefined: it is none, or does not say. */
function jwtExpiry(token: string): number | undefined {
  try {
    return expiryOf(token) || undefined;
  } catch {
    return undefined;
  }
}

function readToken(path: string): string {
  const token = readText(path, 'token file').trim();
  if (token) return token;
  throw new ChaosError('kubeconfig', `the token file ${path} is empty`);
}

function readCertificate(user: Access['user']): Identity['certificate'] {
  const cert = readPem(user.clientCertificateData, user.clientCertificate, 'client certificate');
  const key = readPem(user.clientKeyData, user.clientKey, 'client key');
  if (cert !== undefined && key !== undefined) return keyPair(cert, key);
  if (cert === key) return undefined;
  throw new ChaosError(
    'kubeconfig',
    `there is a client ${cert ? 'certificate' : 'key'} without its ${cert ? 'key' : 'certificate'}`,
  );
}

/** Impersonate-Group is sent once for each group, never joined: a comma is part of a group's name. */
function impersonation(user: Access['user']): Identity['headers'] {
  if (!user.as) return {};
  return {
    'Impersonate-User': user.as,
    ...(user.asUid ? { 'Impersonate-Uid': user.asUid } : {}),
    ...(user.asGroups ? { 'Impersonate-Group': [...user.asGroups] } : {}),
    ...Object.fromEntries(
      Object.entries(user.asUserExtra ?? {}).map(([key, values]) => [
        `Impersonate-Extra-${encodeURIComponent(key)}`,
        [...values],
      ]),
    ),
  };
}
