import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { parseDocument } from 'yaml';
import { ChaosError } from '../errors.ts';
import { readText } from './files.ts';

/** A `cluster:` of a kubeconfig; paths are absolute. */
export interface ClusterEntry {
  server?: string;
  certificateAuthority?: string;
  certificateAuthorityData?: string;
  insecureSkipTlsVerify?: boolean;
  tlsServerName?: string;
  proxyUrl?: string;
  /** For a credential plugin with `provideClusterInfo`: `extensions[client.authentication.k8s.io/exec]`. */
  execConfig?: unknown;
}

/** The `exec:` of a `user:`. */
export interface ExecEntry {
  apiVersion: string;
  command: string;
  args: readonly string[];
  env: readonly { name: string; value: string }[];
  /** As it is written; absent: not said. `Never`, `IfAvailable` or `Always`, and anything else is refused when the plugin would be run. */
  interactiveMode?: string;
  provideClusterInfo: boolean;
  installHint?: string;
}

/** The `auth-provider:` of a `user:`; paths in its config are as they are written. */
export interface AuthProviderEntry {
  name: string;
  config: Readonly<Record<string, string>>;
}

/** A `user:` of a kubeconfig; paths are absolute. */
export interface UserEntry {
  clientCertificate?: string;
  clientCertificateData?: string;
  clientKey?: string;
  clientKeyData?: string;
  token?: string;
  tokenFile?: string;
  username?: string;
  password?: string;
  as?: string;
  asUid?: string;
  asGroups?: readonly string[];
  asUserExtra?: Readonly<Record<string, readonly string[]>>;
  authProvider?: AuthProviderEntry;
  exec?: ExecEntry;
}

export interface ContextEntry {
  cluster: string;
  user: string;
  namespace?: string;
}

export interface Kubeconfig {
  currentContext: string;
  clusters: ReadonlyMap<string, ClusterEntry>;
  users: ReadonlyMap<string, UserEntry>;
  contexts: ReadonlyMap<string, ContextEntry>;
}

const emptyKubeconfig: Kubeconfig = {
  currentContext: '',
  clusters: new Map(),
  users: new Map(),
  contexts: new Map(),
};

/**
 * The files kubectl would read, in its order: `--kubeconfig` alone, else the list in KUBECONFIG, else `~/.kube/config`. Only the first must exist.
 * https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
 */
export function kubeconfigPaths(
  explicit: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  homedir: string,
): { paths: readonly string[]; mustExist: boolean } {
  if (explicit) return { paths: [explicit], mustExist: true };
  const listed = [...new Set((env.KUBECONFIG ?? '').split(delimiter).filter(Boolean))];
  return { paths: listed.length > 0 ? listed : [join(homedir, '.kube', 'config')], mustExist: false };
}

/**
 * Reads and merges the files. Rejects (kubeconfig) a file that is not readable or not a kubeconfig; one that is missing counts as empty unless
 * `mustExist`.
 */
export function loadKubeconfig(paths: readonly string[], mustExist: boolean): Kubeconfig {
  return mergeKubeconfigs(
    paths.map((path) => {
      try {
        return parseKubeconfig(readText(path, 'kubeconfig'), path);
      } catch (error) {
        const { code } = (error as { cause?: NodeJS.ErrnoException }).cause ?? {};
        if (code === 'ENOENT' && !mustExist) return emptyKubeconfig;
        throw error;
      }
    }),
  );
}

/** The first file that has a name wins it whole, and the first `current-context` wins, as in kubectl. */
export function mergeKubeconfigs(configs: readonly Kubeconfig[]): Kubeconfig {
  const merge = <T>(pick: (config: Kubeconfig) => ReadonlyMap<string, T>): Map<string, T> =>
    new Map(configs.toReversed().flatMap((config) => [...pick(config)]));
  return {
    currentContext: configs.find((config) => config.currentContext)?.currentContext ?? '',
    clusters: merge((config) => config.clusters),
    users: merge((config) => config.users),
    contexts: merge((config) => config.contexts),
  };
}

/** Parses one file (YAML or JSON); relative paths in it are relative to its folder. Throws ChaosError kubeconfig, naming the file. */
export function parseKubeconfig(text: string, path: string): Kubeconfig {
  // The failsafe schema leaves every scalar a string: a token `0123` or a password `yes` stays what was written. As in kubectl, of a key that is
  // repeated the last counts, `<<` merges, and of several documents the first counts: what comes after it is not even read.
  const document = parseDocument(text, { schema: 'failsafe', merge: true, uniqueKeys: false, logLevel: 'error' });
  const error = document.errors.find(({ code }) => code !== 'MULTIPLE_DOCS');
  if (error) {
    const problem = error.message.split('\n')[0]?.replace(/:$/, '');
    throw new ChaosError('kubeconfig', `the kubeconfig ${path} is not valid YAML: ${problem}`, { cause: error });
  }
  const reader = new Reader(path);
  const root = reader.record(document.toJS(), 'its content');
  return {
    currentContext: reader.text(root, 'current-context') ?? '',
    clusters: reader.named(root, 'clusters', 'cluster', (entry) => clusterEntry(reader, entry)),
    users: reader.named(root, 'users', 'user', (entry) => userEntry(reader, entry)),
    contexts: reader.named(root, 'contexts', 'context', (entry) => ({
      cluster: reader.text(entry, 'cluster') ?? '',
      user: reader.text(entry, 'user') ?? '',
      ...reader.optional(entry, { namespace: 'namespace' }),
    })),
  };
}

function clusterEntry(reader: Reader, entry: Fields): ClusterEntry {
  const extension = reader
    .list(entry, 'extensions')
    .find((item) => reader.text(item, 'name') === 'client.authentication.k8s.io/exec');
  return {
    ...reader.optional(entry, {
      server: 'server',
      certificateAuthorityData: 'certificate-authority-data',
      tlsServerName: 'tls-server-name',
      proxyUrl: 'proxy-url',
    }),
    ...reader.path(entry, 'certificateAuthority', 'certificate-authority'),
    ...(reader.flag(entry, 'insecure-skip-tls-verify') ? { insecureSkipTlsVerify: true } : {}),
    ...(extension ? { execConfig: extension.extension } : {}),
  };
}

function userEntry(reader: Reader, entry: Fields): UserEntry {
  const groups = reader.strings(entry, 'as-groups');
  const extra = Object.keys(reader.record(entry['as-user-extra'], 'as-user-extra'));
  const provider = reader.record(entry['auth-provider'], 'auth-provider');
  const exec = reader.record(entry.exec, 'exec');
  return {
    ...reader.optional(entry, {
      clientCertificateData: 'client-certificate-data',
      clientKeyData: 'client-key-data',
      token: 'token',
      username: 'username',
      password: 'password',
      as: 'as',
      asUid: 'as-uid',
    }),
    ...reader.path(entry, 'clientCertificate', 'client-certificate'),
    ...reader.path(entry, 'clientKey', 'client-key'),
    ...reader.path(entry, 'tokenFile', 'tokenFile'),
    ...(groups.length > 0 ? { asGroups: groups } : {}),
    ...(extra.length > 0
      ? {
          asUserExtra: Object.fromEntries(
            extra.map((key) => [
              key,
              reader.strings(reader.record(entry['as-user-extra'], 'as-user-extra') as Fields, key),
            ]),
          ),
        }
      : {}),
    ...(Object.keys(provider).length > 0 ? { authProvider: authProviderEntry(reader, provider) } : {}),
    ...(Object.keys(exec).length > 0 ? { exec: execEntry(reader, exec) } : {}),
  };
}

function authProviderEntry(reader: Reader, provider: Fields): AuthProviderEntry {
  const fields = reader.record(provider.config, 'config of auth-provider');
  const config = Object.keys(fields).map((key) => [key, reader.text(fields, key) ?? ''] as const);
  return { name: reader.text(provider, 'name') ?? '', config: Object.fromEntries(config) };
}

function execEntry(reader: Reader, exec: Fields): ExecEntry {
  const command = reader.text(exec, 'command') ?? '';
  return {
    apiVersion: reader.text(exec, 'apiVersion') ?? '',
    // A command with a separator in it is a path, relative to the kubeconfig; a bare name is looked up on PATH.
    command: /[/\\]/.test(command) ? reader.resolve(command) : command,
    args: reader.strings(exec, 'args'),
    env: reader
      .list(exec, 'env')
      .map((item) => ({ name: reader.text(item, 'name') ?? '', value: reader.text(item, 'value') ?? '' })),
    provideClusterInfo: reader.flag(exec, 'provideClusterInfo'),
    ...reader.optional(exec, { interactiveMode: 'interactiveMode', installHint: 'installHint' }),
  };
}

type Fields = Readonly<Record<string, unknown>>;

/** Reads fields of a parsed kubeconfig and names the file in what it throws. */
class Reader {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  #wrong(field: string, expected: string): ChaosError {
    return new ChaosError('kubeconfig', `invalid kubeconfig ${this.#path}: ${field} must be ${expected}`);
  }

  record(value: unknown, field: string): Fields {
    if (isNothing(value)) return {};
    if (typeof value !== 'object' || Array.isArray(value)) throw this.#wrong(field, 'a map');
    return value as Fields;
  }

  list(from: Fields, field: string): Fields[] {
    const value = from[field];
    if (isNothing(value)) return [];
    if (!Array.isArray(value)) throw this.#wrong(field, 'a list');
    return value.map((item) => this.record(item, field));
  }

  strings(from: Fields, field: string): string[] {
    const value = from[field];
    if (isNothing(value)) return [];
    if (!Array.isArray(value) || value.some((item) => typeof item !== 'string')) {
      throw this.#wrong(field, 'a list of strings');
    }
    return value;
  }

  text(from: Fields, field: string): string | undefined {
    const value = from[field];
    if (isNothing(value)) return undefined;
    if (typeof value !== 'string') throw this.#wrong(field, 'a string');
    return value;
  }

  flag(from: Fields, field: string): boolean {
    const value = this.text(from, field) ?? 'false';
    if (!truth.test(value) && !falsehood.test(value)) throw this.#wrong(field, 'true or false');
    return truth.test(value);
  }

  /** The fields that are there, under our names. */
  optional<Name extends string>(from: Fields, names: Record<Name, string>): { [key in Name]?: string } {
    const found: { [key in Name]?: string } = {};
    for (const [name, field] of Object.entries(names) as [Name, string][]) {
      const value = this.text(from, field);
      if (value !== undefined) found[name] = value;
    }
    return found;
  }

  path<Name extends string>(from: Fields, name: Name, field: string): { [key in Name]?: string } {
    const value = this.text(from, field);
    return value === undefined ? {} : ({ [name]: this.resolve(value) } as { [key in Name]?: string });
  }

  resolve(path: string): string {
    return isAbsolute(path) ? path : join(dirname(this.#path), path);
  }

  /** Entries by name. A name twice in one file is refused, as by kubectl. */
  named<T>(root: Fields, field: string, inner: string, make: (entry: Fields) => T): Map<string, T> {
    const entries = new Map<string, T>();
    for (const item of this.list(root, field)) {
      const name = this.text(item, 'name') ?? '';
      if (entries.has(name)) {
        throw new ChaosError('kubeconfig', `invalid kubeconfig ${this.#path}: ${field} has "${name}" twice`, {
          hint: 'remove or rename one of the two: kubectl refuses the file as well',
        });
      }
      entries.set(name, make(this.record(item[inner], `${inner} of ${field}`)));
    }
    return entries;
  }
}

/** The booleans of YAML 1.1, which kubectl reads. https://yaml.org/type/bool.html */
const truth = /^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$/;
const falsehood = /^(?:n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/;

/** Absent, empty, or YAML's null, which the failsafe schema leaves a string. */
function isNothing(value: unknown): boolean {
  return value === undefined || value === null || value === '' || nulls.has(value);
}

const nulls = new Set<unknown>(['null', 'Null', 'NULL', '~']);
