import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Kubeconfig,
  kubeconfigPaths,
  loadKubeconfig,
  mergeKubeconfigs,
  parseKubeconfig,
} from '../../src/kubernetes/kubeconfig.ts';
import { thrown } from './support.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('which files', () => {
  it('takes --kubeconfig alone, and it must exist', () => {
    expect(kubeconfigPaths('/a', { KUBECONFIG: '/b' }, '/home/x')).toEqual({ paths: ['/a'], mustExist: true });
    expect(thrown(() => loadKubeconfig([join(folder, 'none')], true))).toMatchObject({
      code: 'kubeconfig',
      message: expect.stringContaining('none'),
    });
  });

  it('takes the list of KUBECONFIG without empty and repeated entries', () => {
    const { paths, mustExist } = kubeconfigPaths(
      undefined,
      { KUBECONFIG: ['', '/b', '/c', '/b', ''].join(delimiter) },
      '/home/x',
    );
    expect(paths).toEqual(['/b', '/c']);
    expect(mustExist).toBe(false);
  });

  it('falls back to ~/.kube/config, which need not exist', () => {
    const { paths, mustExist } = kubeconfigPaths(undefined, {}, folder);
    expect(paths).toEqual([join(folder, '.kube', 'config')]);
    expect(loadKubeconfig(paths, mustExist).contexts.size).toBe(0);
  });

  it('ignores files of the list that are missing, and says which one cannot be read', () => {
    const file = write('a', 'current-context: here');
    expect(loadKubeconfig([join(folder, 'none'), file], false).currentContext).toBe('here');
    expect(thrown(() => loadKubeconfig([folder], false)).message).toBe(
      `cannot read the kubeconfig ${folder}: it is a folder`,
    );
  });
});

describe('one file', () => {
  it('leaves scalars as they are written, whatever YAML makes of them', () => {
    const { users } = parseKubeconfig('users: [{name: 0x1, user: {token: 0123, password: yes, username: 1e3}}]', '/c');
    expect(users.get('0x1')).toEqual({ token: '0123', password: 'yes', username: '1e3' });
  });

  it('reads JSON, nulls and empty lists', () => {
    expect(parseKubeconfig('{"users": null, "clusters": [], "contexts": ~}', '/c').users.size).toBe(0);
    expect(parseKubeconfig('', '/c').currentContext).toBe('');
  });

  it('resolves paths, and commands with a slash, against its folder', () => {
    const text = `
clusters: [{name: c, cluster: {certificate-authority: pki/ca.crt}}]
users:
- {name: a, user: {client-certificate: a.crt, client-key: /abs/a.key, tokenFile: ../token}}
- {name: b, user: {exec: {apiVersion: v, command: ./login, args: [x]}}}
- {name: c, user: {exec: {apiVersion: v, command: login}}}`;
    const { clusters, users } = parseKubeconfig(text, '/etc/kube/config');
    expect(clusters.get('c')?.certificateAuthority).toBe('/etc/kube/pki/ca.crt');
    expect(users.get('a')).toEqual({
      clientCertificate: '/etc/kube/a.crt',
      clientKey: '/abs/a.key',
      tokenFile: '/etc/token',
    });
    expect(users.get('b')?.exec?.command).toBe('/etc/kube/login');
    expect(users.get('c')?.exec?.command).toBe('login');
  });

  it('reads impersonation and credential plugins whole', () => {
    const text = `
users:
- name: a
  user:
    as: jane
    as-uid: "7"
    as-groups: [dev, "a,b"]
    as-user-extra: {reason: [debug, more]}
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: login
      env: [{name: A, value: "1"}]
      interactiveMode: Never
      provideClusterInfo: true
      installHint: brew install login`;
    expect(parseKubeconfig(text, '/c').users.get('a')).toEqual({
      as: 'jane',
      asUid: '7',
      asGroups: ['dev', 'a,b'],
      asUserExtra: { reason: ['debug', 'more'] },
      exec: {
        apiVersion: 'client.authentication.k8s.io/v1',
        command: 'login',
        args: [],
        env: [{ name: 'A', value: '1' }],
        interactiveMode: 'Never',
        provideClusterInfo: true,
        installHint: 'brew install login',
      },
    });
  });

  it.each([
    ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map((word) => [word, true] as const),
    ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF', '~'].map(
      (word) => [word, undefined] as const,
    ),
  ])('reads insecure-skip-tls-verify: %s as the boolean of YAML 1.1', (word, insecureSkipTlsVerify) => {
    const text = `clusters: [{name: c, cluster: {insecure-skip-tls-verify: ${word}}}]`;
    expect(parseKubeconfig(text, '/c').clusters.get('c')?.insecureSkipTlsVerify).toBe(insecureSkipTlsVerify);
  });

  it.each([
    ['a key twice', 'current-context: a\ncurrent-context: b\n', 'b'],
    ['a key twice, a list', 'contexts: [{name: a}]\ncurrent-context: b\ncontexts: [{name: b}]\n', 'b'],
    ['two documents', 'current-context: a\n---\ncurrent-context: b\n', 'a'],
    ['a second document that is not YAML', 'current-context: a\n---\n: [ x\n', 'a'],
    ['something behind the end of the document', 'current-context: a\n...\njunk: [\n', 'a'],
    ['a comment before the first document', '# mine\n---\ncurrent-context: b\n', 'b'],
    ['an empty first document', '---\n---\ncurrent-context: b\n', ''],
    ['a byte order mark', '\u{feff}current-context: a\n', 'a'],
    ['lines of Windows', 'current-context: a\r\ncontexts: []\r\n', 'a'],
    ['a merge key', 'x: &x {current-context: a}\n<<: *x\n', 'a'],
  ])('reads %s as kubectl does', (_, text, context) => {
    expect(parseKubeconfig(text, '/c').currentContext).toBe(context);
  });

  it.each(['clusters', 'users', 'contexts'])('refuses a name twice in %s, as kubectl does', (field) => {
    const error = thrown(() => parseKubeconfig(`${field}: [{name: c}, {name: d}, {name: c}]`, '/my/config'));
    expect(error).toMatchObject({
      code: 'kubeconfig',
      message: `invalid kubeconfig /my/config: ${field} has "c" twice`,
      hint: 'remove or rename one of the two: kubectl refuses the file as well',
    });
  });

  it.each([
    ['clusters: {a: b}', 'clusters must be a list'],
    ['- a', 'its content must be a map'],
    ['users: [{name: [a]}]', 'name must be a string'],
    [
      'clusters: [{name: a, cluster: {insecure-skip-tls-verify: maybe}}]',
      'insecure-skip-tls-verify must be true or false',
    ],
    ['a: [', 'at line 1, column 5'],
  ])('refuses %j and names the file', (text, problem) => {
    const error = thrown(() => parseKubeconfig(text, '/my/config'));
    expect(error).toMatchObject({ code: 'kubeconfig' });
    expect(error.message).toContain('/my/config');
    expect(error.message).toContain(problem);
    expect(error.message).not.toMatch(/:$/);
  });
});

/** A kubeconfig of a few names, each value marked with the file it is from. */
const anyConfig = fc.record({
  current: fc.constantFrom('', 'a', 'b'),
  clusters: fc.uniqueArray(fc.constantFrom('a', 'b', 'c')),
  users: fc.uniqueArray(fc.constantFrom('a', 'b', 'c')),
});
type AnyConfig = { current: string; clusters: string[]; users: string[] };

function text({ current, clusters, users }: AnyConfig, file: number): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': current,
    clusters: clusters.map((name) => ({ name, cluster: { server: `https://${name}-${file}` } })),
    // Each file says another half of a user: halves of two files must not be put together.
    users: users.map((name) => ({
      name,
      user: file % 2 === 0 ? { token: `${name}-${file}` } : { username: `${name}-${file}` },
    })),
  });
}

describe('merging', () => {
  it('lets the first file that has a name win it whole, and the first current-context', () => {
    fc.assert(
      fc.property(fc.array(anyConfig, { maxLength: 4 }), (configs) => {
        const merged = mergeKubeconfigs(
          configs.map((config, file) => parseKubeconfig(text(config, file), `/f${file}`)),
        );
        expect(merged.currentContext).toBe(configs.find(({ current }) => current !== '')?.current ?? '');
        for (const name of ['a', 'b', 'c'] as const) {
          const cluster = configs.findIndex(({ clusters }) => clusters.includes(name));
          expect(merged.clusters.get(name)?.server).toBe(cluster < 0 ? undefined : `https://${name}-${cluster}`);
          const user = configs.findIndex(({ users }) => users.includes(name));
          expect(merged.users.get(name)).toEqual(
            user < 0 ? undefined : user % 2 === 0 ? { token: `${name}-${user}` } : { username: `${name}-${user}` },
          );
        }
      }),
    );
  });

  it('merges as kubectl does', { timeout: 120_000 }, (context) => {
    try {
      execFileSync('kubectl', ['version', '--client'], {
        stdio: 'ignore',
        env: { PATH: process.env.PATH, HOME: folder },
      });
    } catch {
      if (process.env.CI === 'true') throw new Error('kubectl is needed in CI');
      context.skip('skipped: kubectl is not on PATH');
    }
    fc.assert(
      fc.property(fc.array(anyConfig, { minLength: 1, maxLength: 3 }), (configs) => {
        const paths = configs.map((config, file) => write(`f${file}`, text(config, file)));
        const list = [join(folder, 'missing'), ...paths];
        const output = execFileSync('kubectl', ['config', 'view', '--raw', '-o', 'json'], {
          encoding: 'utf8',
          env: { PATH: process.env.PATH, HOME: folder, KUBECONFIG: list.join(delimiter) },
        });
        expect(comparable(loadKubeconfig(list, false))).toEqual(comparable(parseKubeconfig(output, '/kubectl')));
      }),
      { numRuns: 15 },
    );
  });
});

function comparable(config: Kubeconfig): unknown {
  return {
    current: config.currentContext,
    clusters: Object.fromEntries(config.clusters),
    users: Object.fromEntries(config.users),
    contexts: Object.fromEntries(config.contexts),
  };
}
