import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { chooseAccess } from '../../src/kubernetes/access.ts';
import { Credentials } from '../../src/kubernetes/credentials.ts';
import { parseCredential } from '../../src/kubernetes/exec-credential.ts';
import { parseKubeconfig } from '../../src/kubernetes/kubeconfig.ts';
import { certificate, privateKey } from '../fakes/tls.ts';
import { rejection, thrown } from './support.ts';

const v1 = 'client.authentication.k8s.io/v1';
const base64 = (text: string): string => Buffer.from(text).toString('base64');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'credentials-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function credentialsOf(
  user: Record<string, unknown>,
  env: Record<string, string | undefined> = { ...process.env },
  interactive = false,
  cluster: Record<string, unknown> = {},
): Credentials {
  const config = JSON.stringify({
    'current-context': 'c',
    clusters: [
      {
        name: 'k',
        cluster: {
          server: 'https://k:6443',
          extensions: [{ name: 'client.authentication.k8s.io/exec', extension: { audience: 'x' } }],
          ...cluster,
        },
      },
    ],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'c', context: { cluster: 'k', user: 'u' } }],
  });
  return new Credentials(chooseAccess(parseKubeconfig(config, join(folder, 'config')), {}, 'config'), env, {
    interactive,
  });
}

/** A credential plugin made of JavaScript; each run adds a line to `runs`. */
function plugin(code: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  const path = join(folder, 'plugin.mjs');
  writeFileSync(
    path,
    `import { appendFileSync, readFileSync } from 'node:fs';\nappendFileSync(${JSON.stringify(join(folder, 'runs'))}, 'x');\n${code}`,
  );
  chmodSync(path, 0o700);
  return { exec: { apiVersion: v1, interactiveMode: 'IfAvailable', command: process.execPath, args: [path], ...more } };
}

const answer = (status: string): string =>
  `console.log(JSON.stringify({ kind: 'ExecCredential', apiVersion: ${JSON.stringify(v1)}, status: ${status} }));`;

describe('identity', () => {
  it('is a bearer token, or basic auth', async () => {
    expect(await credentialsOf({ token: 't' }).identity()).toEqual({ headers: { authorization: 'Bearer t' } });
    const { headers } = await credentialsOf({ username: 'a', password: 'b:c' }).identity();
    expect(headers.authorization).toBe(`Basic ${base64('a:b:c')}`);
  });

  it('is a client certificate', async () => {
    const { certificate: pair } = await credentialsOf({
      'client-certificate-data': base64(certificate),
      'client-key-data': base64(privateKey),
    }).identity();
    expect(pair).toEqual({ cert: certificate, key: privateKey });
  });

  it('reads a token file, relative to the kubeconfig, and again after a refusal', async () => {
    writeFileSync(join(folder, 'token'), 'first\n');
    const credentials = credentialsOf({ tokenFile: 'token' });
    expect((await credentials.identity()).headers.authorization).toBe('Bearer first');
    writeFileSync(join(folder, 'token'), 'second\n');
    expect((await credentials.identity()).headers.authorization).toBe('Bearer first');
    expect(credentials.renew()).toBe(true);
    expect((await credentials.identity()).headers.authorization).toBe('Bearer second');
  });

  it('reads a token file again after a minute, and keeps the token while there is none to read', async () => {
    const now = vi.spyOn(Date, 'now');
    writeFileSync(join(folder, 'token'), 'first');
    const credentials = credentialsOf({ tokenFile: 'token' });
    await credentials.identity();
    const afterAMinute = async (): Promise<unknown> => {
      now.mockReturnValue(Date.now() + 60_000);
      return (await credentials.identity()).headers.authorization;
    };
    writeFileSync(join(folder, 'token'), '');
    expect(await afterAMinute()).toBe('Bearer first');
    rmSync(join(folder, 'token'));
    expect(await afterAMinute()).toBe('Bearer first');
    writeFileSync(join(folder, 'token'), 'second');
    expect(await afterAMinute()).toBe('Bearer second');
    now.mockRestore();
  });

  it('refuses an empty token file, unless a token is written beside it', async () => {
    writeFileSync(join(folder, 'token'), '\n');
    expect(await rejection(credentialsOf({ tokenFile: 'token' }).identity())).toMatchObject({
      code: 'kubeconfig',
      message: `the token file ${join(folder, 'token')} is empty`,
    });
    const { headers } = await credentialsOf({ tokenFile: 'token', token: 't' }).identity();
    expect(headers.authorization).toBe('Bearer t');
  });

  it('impersonates with one header for each group', async () => {
    const { headers } = await credentialsOf({
      token: 't',
      as: 'jane',
      'as-uid': '7',
      'as-groups': ['a', 'b,c'],
      'as-user-extra': { 'a/b': ['1', '2'] },
    }).identity();
    expect(headers).toEqual({
      authorization: 'Bearer t',
      'Impersonate-User': 'jane',
      'Impersonate-Uid': '7',
      'Impersonate-Group': ['a', 'b,c'],
      'Impersonate-Extra-a%2Fb': ['1', '2'],
    });
  });

  it('reads certificates that are rotated again after a minute, once the key fits', async () => {
    const now = vi.spyOn(Date, 'now');
    const { privateKey: other } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const otherKey = other.export({ type: 'pkcs8', format: 'pem' });
    writeFileSync(join(folder, 'crt'), certificate);
    writeFileSync(join(folder, 'key'), privateKey);
    const credentials = credentialsOf({ 'client-certificate': 'crt', 'client-key': 'key' });
    const rotated = `${certificate}\n`;
    writeFileSync(join(folder, 'crt'), rotated);
    expect((await credentials.identity()).certificate?.cert).toBe(certificate);
    writeFileSync(join(folder, 'key'), otherKey);
    now.mockReturnValue(Date.now() + 60_000);
    expect((await credentials.identity()).certificate).toEqual({ cert: certificate, key: privateKey });
    writeFileSync(join(folder, 'key'), privateKey);
    now.mockReturnValue(Date.now() + 60_000);
    expect((await credentials.identity()).certificate).toEqual({ cert: rotated, key: privateKey });
    now.mockRestore();
  });

  it.each([
    ['client-certificate', 'none', 'cannot read the client certificate FOLDER/none: there is no such file'],
    ['client-certificate', '.', 'cannot read the client certificate FOLDER: it is a folder'],
    ['client-certificate', 'key', 'the client certificate FOLDER/key is not a PEM'],
  ])('says in one sentence why it cannot read %s: %s', (field, path, message) => {
    writeFileSync(join(folder, 'key'), 'no key');
    const error = thrown(() => credentialsOf({ [field]: path, 'client-key': 'key' }));
    expect(error).toMatchObject({ code: 'kubeconfig', message: message.replace('FOLDER', folder) });
  });

  it('refuses half a certificate, bad data, and files that are not there', async () => {
    expect(thrown(() => credentialsOf({ 'client-certificate-data': base64(certificate) })).message).toContain(
      'without its key',
    );
    expect(thrown(() => credentialsOf({ 'client-certificate-data': '!', 'client-key-data': '!' })).message).toContain(
      'not base64 of a PEM',
    );
    expect(thrown(() => credentialsOf({ 'client-certificate': 'none', 'client-key': 'none' })).message).toContain(
      join(folder, 'none'),
    );
    expect(await rejection(credentialsOf({ tokenFile: 'none' }).identity())).toMatchObject({
      code: 'kubeconfig',
      message: expect.stringContaining('none'),
    });
  });
});

describe('credential plugins', () => {
  it('do not hang when they read stdin to its end', async () => {
    const user = plugin(`const read = readFileSync(0, 'utf8');${answer("{ token: 'got:' + read }")}`);
    expect((await credentialsOf(user).identity()).headers.authorization).toBe('Bearer got:');
  });

  it('get KUBERNETES_EXEC_INFO with the cluster, their env, and the environment', async () => {
    const user = plugin(
      answer(
        "{ token: Buffer.from(process.env.KUBERNETES_EXEC_INFO + process.env.A + process.env.B).toString('base64') }",
      ),
      {
        provideClusterInfo: true,
        env: [{ name: 'A', value: '1' }],
      },
    );
    const { headers } = await credentialsOf(user, { ...process.env, B: '2' }).identity();
    const told = Buffer.from(String(headers.authorization).slice(7), 'base64').toString();
    expect(told.slice(-2)).toBe('12');
    expect(JSON.parse(told.slice(0, -2))).toEqual({
      kind: 'ExecCredential',
      apiVersion: v1,
      spec: { interactive: false, cluster: { server: 'https://k:6443', config: { audience: 'x' } } },
    });
  });

  it('get the data of a certificate authority that is in a file', async () => {
    writeFileSync(join(folder, 'ca.crt'), certificate);
    const user = plugin(answer("{ token: Buffer.from(process.env.KUBERNETES_EXEC_INFO).toString('base64') }"), {
      provideClusterInfo: true,
    });
    const credentials = credentialsOf(user, { ...process.env }, false, { 'certificate-authority': 'ca.crt' });
    const { headers } = await credentials.identity();
    const told = JSON.parse(Buffer.from(String(headers.authorization).slice(7), 'base64').toString());
    expect(told.spec.cluster['certificate-authority-data']).toBe(base64(certificate));
  });

  it.each([
    [v1, undefined, 'has no interactiveMode'],
    [v1, 'maybe', 'has the interactiveMode "maybe"'],
    ['client.authentication.k8s.io/v1beta1', 'maybe', 'has the interactiveMode "maybe"'],
  ])('of %s with the interactiveMode %s are refused, as by kubectl', async (apiVersion, interactiveMode, problem) => {
    const user = { exec: { apiVersion, command: 'login', interactiveMode } };
    expect(await rejection(credentialsOf(user).identity())).toMatchObject({
      code: 'kubeconfig',
      message: `the credential plugin login ${problem}`,
      hint: 'set exec.interactiveMode of the user in the kubeconfig to Never, IfAvailable or Always',
    });
  });

  it('of v1beta1 need no interactiveMode, and each needs a command', async () => {
    const beta = 'client.authentication.k8s.io/v1beta1';
    const user = plugin(answer("{ token: 't' }").replace(v1, beta), { apiVersion: beta, interactiveMode: undefined });
    expect((await credentialsOf(user).identity()).headers.authorization).toBe('Bearer t');
    const nameless = { exec: { apiVersion: v1, interactiveMode: 'Never' } };
    expect((await rejection(credentialsOf(nameless).identity())).message).toContain('has no command');
  });

  it('run once for requests at the same time, and again when the credential expires or is refused', async () => {
    const runs = async (): Promise<number> =>
      (await import('node:fs')).readFileSync(join(folder, 'runs'), 'utf8').length;
    const lasting = credentialsOf(plugin(answer("{ token: 't' }")));
    await Promise.all([lasting.identity(), lasting.identity(), lasting.identity()]);
    expect(await runs()).toBe(1);
    expect(lasting.renew()).toBe(true);
    await lasting.identity();
    expect(await runs()).toBe(2);

    const expired = credentialsOf(plugin(answer("{ token: 't', expirationTimestamp: '2020-01-01T00:00:00Z' }")));
    await expired.identity();
    await Promise.all([expired.identity(), expired.identity()]);
    expect(await runs()).toBe(4);
  });

  it('may give a client certificate', async () => {
    const user = plugin(
      answer(`{ clientCertificateData: ${JSON.stringify(certificate)}, clientKeyData: ${JSON.stringify(privateKey)} }`),
    );
    expect((await credentialsOf(user).identity()).certificate).toEqual({ cert: certificate, key: privateKey });
  });

  it('that fail are named, with their exit code, and can be tried again', async () => {
    const credentials = credentialsOf(plugin('process.exit(3)'));
    const error = await rejection(credentials.identity());
    expect(error).toMatchObject({ code: 'unauthorized', message: expect.stringContaining('failed with exit code 3') });
    expect(error.hint).toContain('plugin.mjs');
    await rejection(credentials.identity());
  });

  it('that are not installed are named, with their install hint', async () => {
    const user = {
      exec: { apiVersion: v1, interactiveMode: 'Never', command: 'no-such-login', installHint: 'brew install login' },
    };
    expect(await rejection(credentialsOf(user).identity())).toMatchObject({
      code: 'unauthorized',
      message: 'the credential plugin no-such-login could not be run: it was not found',
      hint: 'brew install login',
    });
  });

  it('that need a terminal are not run without one', async () => {
    const user = plugin(answer("{ token: 't' }"), { interactiveMode: 'Always' });
    expect((await rejection(credentialsOf(user).identity())).message).toContain('requires a terminal');
  });

  it('of an unknown version are refused', async () => {
    const user = { exec: { apiVersion: 'client.authentication.k8s.io/v1alpha1', command: 'x' } };
    expect(await rejection(credentialsOf(user).identity())).toMatchObject({ code: 'kubeconfig' });
  });

  it.each([
    ['', 'not JSON'],
    ['null', 'of kind undefined'],
    ['{"kind":"Other"}', 'of kind "Other"'],
    [`{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1"}`, 'asked for'],
    [`{"kind":"ExecCredential","apiVersion":"${v1}"}`, 'no status'],
    [`{"kind":"ExecCredential","apiVersion":"${v1}","status":{}}`, 'neither a token'],
    [`{"kind":"ExecCredential","apiVersion":"${v1}","status":{"clientKeyData":"x"}}`, 'comes with its key'],
    [
      `{"kind":"ExecCredential","apiVersion":"${v1}","status":{"token":"t","expirationTimestamp":"soon"}}`,
      'not a time',
    ],
  ])('that print %j are told what is wrong', (output, problem) => {
    const error = thrown(() => parseCredential(output, { command: 'login', apiVersion: v1 }));
    expect(error).toMatchObject({ code: 'unauthorized' });
    expect(error.message).toContain('login');
    expect(error.message).toContain(problem);
  });
});
