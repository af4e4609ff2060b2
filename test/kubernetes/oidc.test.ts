import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { resolveAccess } from '../../src/kubernetes/access.ts';
import { Credentials } from '../../src/kubernetes/credentials.ts';
import { expiryOf } from '../../src/kubernetes/oidc.ts';
import type { ConnectionOptions } from '../../src/ports.ts';
import { json } from '../fakes/api-server.ts';
import { rejection, thrown } from './support.ts';

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
/** A JWT that expires so many seconds from now. */
const jwt = (seconds: number, name = 'n'): string =>
  `${part({ alg: 'none' })}.${part({ name, exp: Math.floor(Date.now() / 1_000) + seconds })}.sig`;

let folder: string;
let config: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'oidc-'));
  config = join(folder, 'config');
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

function store(provider: Record<string, string>, user: Record<string, unknown> = {}): void {
  const text = JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'c',
    clusters: [{ name: 'k', cluster: { server: 'https://127.0.0.1:9' } }],
    users: [{ name: 'u', user: { 'auth-provider': { name: 'oidc', config: provider }, ...user } }],
    contexts: [{ name: 'c', context: { cluster: 'k', user: 'u' } }],
  });
  writeFileSync(config, text);
}

/** A kubectl that notes how it was called and does what the code says. */
function kubectl(code: string): void {
  const path = join(folder, 'kubectl');
  const note = `require('fs').appendFileSync(${JSON.stringify(join(folder, 'calls'))}, JSON.stringify([process.env.KUBERC, ...process.argv.slice(2)]) + '\\n');`;
  writeFileSync(path, `#!${process.execPath}\n${note}\n${code}`);
  chmodSync(path, 0o700);
}

/** The last line may be half written. */
const calls = (): unknown[] =>
  existsSync(join(folder, 'calls'))
    ? readFileSync(join(folder, 'calls'), 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line))
    : [];

function credentials(options: ConnectionOptions = {}, path = folder): Credentials {
  const env = { KUBECONFIG: config, HOME: folder, PATH: path };
  return new Credentials(resolveAccess(options, env, folder), env, { interactive: false });
}

const sent = async (from: Credentials): Promise<unknown> => (await from.identity()).headers.authorization;

/** The code of a kubectl that stores this token and then cannot reach its server. */
const storing = (token: string): string => `
const fs = require('fs');
const text = fs.readFileSync(process.env.KUBECONFIG, 'utf8');
fs.writeFileSync(process.env.KUBECONFIG, text.replace(/"id-token":"[^"]*"/, '"id-token":"${token}"'));
process.exit(1);`;

describe('auth-provider oidc', () => {
  it('sends the id-token while it is valid, and asks nobody', async () => {
    const token = jwt(60);
    store({ 'id-token': token });
    kubectl('process.exit(1)');
    expect(await sent(credentials())).toBe(`Bearer ${token}`);
    expect(calls()).toEqual([]);
  });

  it('lets a token or a password written beside it go before it, as kubectl', async () => {
    store({ 'id-token': jwt(60) }, { token: 't' });
    expect(await sent(credentials())).toBe('Bearer t');
    store({ 'id-token': jwt(60) }, { username: 'a', password: 'b' });
    expect(await sent(credentials())).toBe(`Basic ${Buffer.from('a:b').toString('base64')}`);
    store({ 'id-token': jwt(-60) });
    expect(await sent(credentials({ token: 'flag' }))).toBe('Bearer flag');
  });

  it.each([11, 9])('counts a token as expired 10 s early: one with %i s to live', async (seconds) => {
    vi.spyOn(Date, 'now').mockReturnValue(1_700_000_000_000);
    const [token, fresh] = [jwt(seconds), jwt(600)];
    store({ 'id-token': token, 'refresh-token': 'r' });
    kubectl(storing(fresh));
    expect(await sent(credentials())).toBe(`Bearer ${seconds > 10 ? token : fresh}`);
  });

  it('has an expired token renewed by kubectl, once for all requests, with the flags that choose the user', async () => {
    const fresh = jwt(600);
    store({ 'id-token': jwt(-60), 'refresh-token': 'r' });
    kubectl(storing(fresh));
    const from = credentials({ context: 'c', insecureSkipTlsVerify: true });
    expect(await Promise.all([sent(from), sent(from)])).toEqual([`Bearer ${fresh}`, `Bearer ${fresh}`]);
    expect(await sent(from)).toBe(`Bearer ${fresh}`);
    expect(calls()).toEqual([['off', 'get', '--raw', '/version', '--context=c', '--insecure-skip-tls-verify']]);
  });

  it('renews it while we run as well', async () => {
    const [first, second] = [jwt(60), jwt(3_600)];
    store({ 'id-token': first, 'refresh-token': 'r' });
    kubectl(storing(second));
    const from = credentials();
    expect(await sent(from)).toBe(`Bearer ${first}`);
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 120_000);
    expect(await sent(from)).toBe(`Bearer ${second}`);
  });

  it('takes what another command has stored meanwhile', async () => {
    store({ 'id-token': jwt(-60) });
    const from = credentials();
    const fresh = jwt(600);
    store({ 'id-token': fresh });
    expect(await sent(from)).toBe(`Bearer ${fresh}`);
  });

  it('that has expired without a refresh-token says so', async () => {
    const token = jwt(-60);
    store({ 'id-token': token });
    const when = new Date(expiryOf(token)).toISOString();
    expect(await rejection(credentials().identity())).toMatchObject({
      code: 'unauthorized',
      message: `the id-token of the auth-provider oidc expired at ${when}, and there is no refresh-token`,
      hint: 'sign in again, as you got the id-token',
    });
    store({});
    expect((await rejection(credentials().identity())).message).toBe(
      'there is no id-token for the auth-provider oidc, and there is no refresh-token',
    );
  });

  it('that kubectl does not renew says what kubectl said, without secrets', async () => {
    store({ 'id-token': jwt(-60), 'refresh-token': 'my-refresh', 'client-secret': 'my-secret' });
    kubectl("console.error('E1129 noise\\nUnable to connect: invalid_grant my-refresh my-secret'); process.exit(1)");
    expect(await rejection(credentials().identity())).toMatchObject({
      code: 'unauthorized',
      message: expect.stringContaining('and kubectl has not renewed it: Unable to connect: invalid_grant … …'),
      hint: 'sign in again, or try: kubectl get --raw /version',
    });
    expect((await rejection(credentials({}, '/nonexistent').identity())).message).toContain(
      'kubectl has not renewed it: it was not found',
    );
  });

  it('waits a minute for kubectl, and then lets it go on: what it stores may be good for one use only', async () => {
    const [go, fresh] = [join(folder, 'go'), jwt(600)];
    store({ 'id-token': jwt(-60), 'refresh-token': 'r' });
    kubectl(`const wait = () => require('fs').existsSync(${JSON.stringify(go)}) ? store() : setTimeout(wait, 10);
      const store = () => { ${storing(fresh)} };
      wait();`);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const refused = rejection(credentials().identity());
      while (calls().length === 0) await new Promise((resolve) => setImmediate(resolve));
      vi.advanceTimersByTime(60_000);
      expect((await refused).message).toContain('kubectl has not renewed it: it has not ended within 60s');
    } finally {
      vi.useRealTimers();
    }
    writeFileSync(go, '');
    await vi.waitFor(() => expect(readFileSync(config, 'utf8')).toContain(fresh), 20_000);
  });

  it.each(['a.b', 'not a token', `a.${Buffer.from('{').toString('base64url')}.c`])(
    'refuses %j, which is not a JWT, without quoting it',
    (token) => {
      const error = thrown(() => expiryOf(token));
      expect(error).toMatchObject({
        code: 'kubeconfig',
        message: 'the id-token of the auth-provider oidc is not a JWT',
      });
      expect(error.cause).toBeUndefined();
    },
  );

  it('is renewed by the real kubectl at the issuer, which stores the next refresh token', {
    timeout: 120_000,
  }, async (context) => {
    const env = { PATH: process.env.PATH, HOME: folder, KUBECONFIG: config };
    try {
      execFileSync('kubectl', ['version', '--client'], { stdio: 'ignore', env });
    } catch {
      if (process.env.CI === 'true') throw new Error('kubectl is needed in CI');
      context.skip('skipped: kubectl is not on PATH');
    }
    const fresh = jwt(600);
    const bodies: string[] = [];
    const issuer = http.createServer(async (request, response) => {
      if (request.method === 'GET')
        return json(response, 200, { token_endpoint: `http://${request.headers.host}/token` });
      let body = '';
      for await (const chunk of request) body += chunk;
      bodies.push(`${request.headers.authorization} ${body}`);
      json(response, 200, { access_token: 'a', token_type: 'Bearer', id_token: fresh, refresh_token: 'second' });
    });
    await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
    store({
      'id-token': jwt(-60),
      'refresh-token': 'first',
      'client-id': 'me',
      'client-secret': 'secret',
      'idp-issuer-url': `http://127.0.0.1:${(issuer.address() as AddressInfo).port}`,
    });
    try {
      expect(await sent(credentials({}, process.env.PATH))).toBe(`Bearer ${fresh}`);
      expect(bodies).toEqual([
        `Basic ${Buffer.from('me:secret').toString('base64')} grant_type=refresh_token&refresh_token=first`,
      ]);
      expect(readFileSync(config, 'utf8')).toContain('refresh-token: second');
    } finally {
      issuer.close();
    }
  });
});
