import { rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ClusterEntry } from '../../src/kubernetes/kubeconfig.ts';
import { type ApiRequest, resources } from '../../src/kubernetes/request.ts';
import { Rest } from '../../src/kubernetes/rest.ts';
import type { ConnectionOptions } from '../../src/ports.ts';
import { ApiServer, json, status, until } from '../fakes/api-server.ts';
import { certificate, intermediate, leaf, leafKey, privateKey } from '../fakes/tls.ts';
import { rejection, restFor, thrown } from './support.ts';

const getNode: ApiRequest = { verb: 'get', resource: resources.nodes, name: 'a' };
const path = '/api/v1/nodes/a';
const base64 = (text: string): string => Buffer.from(text).toString('base64');

let server: ApiServer;
const clients: Rest[] = [];
function client(options?: ConnectionOptions, user?: Record<string, unknown>): Rest {
  const rest = restFor(server, options, user);
  clients.push(rest);
  return rest;
}

beforeEach(async () => {
  server = await ApiServer.start();
  server.on('GET', path, (_, response) => json(response, 200, { kind: 'Node' }));
});
afterEach(async () => {
  for (const rest of clients.splice(0)) rest.close();
  await server.stop();
});

it('a list without items has none: of metadata alone the server writes null', async () => {
  const list: ApiRequest = { verb: 'list', resource: resources.nodes, metadataOnly: true };
  server.on('GET', '/api/v1/nodes', (_, response) => json(response, 200, { metadata: {}, items: null }));
  expect(await client().json(list)).toEqual({ metadata: {}, items: [] });
});

describe('connections', () => {
  it('are kept: eight requests, one TLS connection', async () => {
    const rest = client();
    for (let i = 0; i < 8; i++) await rest.json(getNode);
    expect(server.received).toHaveLength(8);
    expect(server.connections).toBe(1);
  });

  it('that the server closed meanwhile are replaced did not report its end', async () => {
    const rest = client();
    await rest.json(getNode);
    server.on('GET', path, (_, response) => {
      if (server.connections === 1) response.socket?.destroy();
      else json(response, 200, { kind: 'Node' });
    });
    expect(await rest.json(getNode)).toEqual({ kind: 'Node' });
    expect(server.connections).toBe(2);
  });

  it('never make us create twice', async () => {
    const rest = client();
    await rest.json(getNode);
    server.on('POST', '/api/v1/namespaces/shop/pods', (_, response) => response.socket?.destroy());
    const error = await rejection(rest.json({ verb: 'create', resource: resources.pods, namespace: 'shop', body: {} }));
    expect(error).toMatchObject({ code: 'unreachable', status: 0 });
    expect(server.requestsTo('/api/v1/namespaces/shop/pods')).toHaveLength(1);
  });

  it('are closed by close()', async () => {
    const rest = client();
    await rest.json(getNode);
    rest.close();
    await until('the connection is closed', () => server.open === 0);
  });
});

describe('who we are', () => {
  it('Impersonate-Group is repeated, never joined', async () => {
    await client({ as: 'jane', asGroup: ['dev', 'a,b'], asUid: '7' }).json(getNode);
    const raw = server.received[0]?.rawHeaders ?? [];
    const values = (name: string): string[] =>
      raw.filter((_, index) => index % 2 === 1 && raw[index - 1]?.toLowerCase() === name);
    expect(values('impersonate-group')).toEqual(['dev', 'a,b']);
    expect(values('impersonate-user')).toEqual(['jane']);
    expect(values('impersonate-uid')).toEqual(['7']);
    expect(values('authorization')).toEqual(['Bearer secret']);
  });

  it('a client certificate is presented', async () => {
    await client({}, { 'client-certificate-data': base64(certificate), 'client-key-data': base64(privateKey) }).json(
      getNode,
    );
    expect(server.received[0]?.hasCertificate).toBe(true);
  });

  it('after a 401 the credential is read anew, once', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rest-'));
    const file = join(folder, 'token');
    writeFileSync(file, 'old');
    server.on('GET', path, (request, response) => {
      writeFileSync(file, 'new');
      if (request.headers.authorization === 'Bearer new') json(response, 200, {});
      else json(response, 401, status(401, 'Unauthorized', 'Unauthorized'));
    });
    await client({}, { tokenFile: file }).json(getNode);
    expect(server.received.map(({ headers }) => headers.authorization)).toEqual(['Bearer old', 'Bearer new']);
    await rm(folder, { recursive: true });
  });

  it.each([
    { token: 't' },
    { username: 'a', password: 'b' },
    { tokenFile: '/nonexistent' },
    { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'no-such-login', interactiveMode: 'Never' } },
    { 'auth-provider': { name: 'oidc', config: { 'id-token': 'x' } } },
  ])('of %j nothing goes to a server without TLS but whom to impersonate, as from kubectl', async (user) => {
    const plain = await ApiServer.start({ secure: false });
    plain.on('GET', path, (_, response) => json(response, 200, {}));
    const rest = restFor(plain, { as: 'jane' }, user);
    await rest.json(getNode);
    await plain.stop();
    rest.close();
    expect(plain.received[0]?.headers).toMatchObject({ 'impersonate-user': 'jane' });
    expect(plain.received[0]?.headers).not.toHaveProperty('authorization');
  });

  it('a 401 with nothing to renew is an error', async () => {
    server.on('GET', path, (_, response) => json(response, 401, status(401, 'Unauthorized', 'Unauthorized')));
    expect(await rejection(client().json(getNode))).toMatchObject({ code: 'unauthorized' });
    expect(server.received).toHaveLength(1);
  });
});

describe('answers', () => {
  it('429 is waited out when it is short, and reported when it is long', async () => {
    server.once('GET', path, (_, response) =>
      json(response, 429, status(429, 'TooManyRequests', 'busy'), { 'retry-after': '0' }),
    );
    const rest = client();
    await rest.json(getNode);
    expect(server.received).toHaveLength(2);
    server.on('GET', path, (_, response) =>
      json(response, 429, status(429, 'TooManyRequests', 'busy'), { 'retry-after': '60' }),
    );
    expect(await rejection(rest.json(getNode))).toMatchObject({ code: 'api', hint: 'try again in 60s' });
    expect(server.received).toHaveLength(3);
  });

  it('503 that says when is waited out, except of a creation', async () => {
    const busy = (_: unknown, response: ServerResponse) =>
      json(response, 503, status(503, 'ServiceUnavailable', 'shutting down'), { 'retry-after': '0' });
    server.once('GET', path, busy);
    const rest = client();
    await rest.json(getNode);
    expect(server.received).toHaveLength(2);
    server.on('POST', '/api/v1/namespaces/shop/pods', busy);
    const create = { verb: 'create', resource: resources.pods, namespace: 'shop', body: {} } as const;
    expect(await rejection(rest.json(create))).toMatchObject({ status: 503, retryAfterMs: 0 });
    expect(server.requestsTo('/api/v1/namespaces/shop/pods')).toHaveLength(1);
  });

  it('503 that does not say when is an error at once', async () => {
    server.on('GET', path, (_, response) => json(response, 503, status(503, 'ServiceUnavailable', 'no')));
    expect(await rejection(client().json(getNode))).toMatchObject({ status: 503 });
    expect(server.received).toHaveLength(1);
  });

  it('that are not JSON are an error, not a crash', async () => {
    server.on('GET', path, (_, response) => response.end('<html>'));
    expect(await rejection(client().json(getNode))).toMatchObject({
      code: 'api',
      message: expect.stringContaining('did not answer with JSON'),
    });
  });

  it('that break off are an error', async () => {
    server.on('GET', path, (_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{');
      setTimeout(() => response.socket?.destroy(), 10);
    });
    expect(await rejection(client().json(getNode))).toMatchObject({ code: 'unreachable' });
  });

  it('that do not come end with --request-timeout', async () => {
    server.on('GET', path, () => undefined);
    const error = await rejection(client({ requestTimeoutMs: 100 }).json(getNode));
    expect(error).toMatchObject({
      code: 'unreachable',
      message: `${server.url} did not answer to get nodes within 0.1s`,
    });
    server.on('GET', path, (_, response) => {
      response.writeHead(200);
      response.write('{');
    });
    expect((await rejection(client({ requestTimeoutMs: 1_000 }).json(getNode))).message).toContain(
      'was not complete within 1s',
    );
  });

  it('can be given up by a signal', async () => {
    server.on('GET', path, () => undefined);
    const abort = new AbortController();
    const promise = rejection(client().json(getNode, abort.signal));
    await until('the request has arrived', () => server.received.length === 1);
    abort.abort();
    expect((await promise).name).toBe('ChaosError');
    await until('the connection is closed', () => server.open === 0);
  });
});

describe('TLS', () => {
  const otherAuthority = join(tmpdir(), `authority-${process.pid}.crt`);
  beforeAll(() => writeFileSync(otherAuthority, tls.rootCertificates[0] ?? ''));
  afterAll(() => rmSync(otherAuthority));

  it('takes no empty file for an authority', () => {
    expect(thrown(() => client({ certificateAuthority: '/dev/null' })).message).toContain('/dev/null is not a PEM');
  });

  it('trusts only the given authority', async () => {
    const other = client({ certificateAuthority: otherAuthority });
    expect(await rejection(other.json(getNode))).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('authority that is not trusted'),
    });
  });

  it('takes no notice of NODE_TLS_REJECT_UNAUTHORIZED', async () => {
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    try {
      expect(await rejection(client({ certificateAuthority: otherAuthority }).json(getNode))).toMatchObject({
        code: 'unreachable',
      });
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    }
  });

  it('can be told another name, or to trust anybody', async () => {
    await client({ tlsServerName: 'api-server.test' }).json(getNode);
    expect((await rejection(client({ tlsServerName: 'other.test' }).json(getNode))).message).toContain(
      'is for another name',
    );
    await client({ insecureSkipTlsVerify: true, tlsServerName: 'other.test' }).json(getNode);
  });

  it('is not needed: kubectl proxy speaks http', async () => {
    const plain = await ApiServer.start({ secure: false });
    plain.on('GET', path, (_, response) => json(response, 200, { kind: 'Node' }));
    const rest = restFor(plain);
    expect(await rest.json(getNode)).toEqual({ kind: 'Node' });
    rest.close();
    await plain.stop();
  });

  it('that is not spoken there is told', async () => {
    const closing = net.createServer((socket) => socket.end('SSH-2.0-hello\r\n'));
    await new Promise<void>((resolve) => closing.listen(0, '127.0.0.1', resolve));
    const rest = client({ server: `https://127.0.0.1:${(closing.address() as net.AddressInfo).port}` });
    expect((await rejection(rest.json(getNode))).message).toContain('does not speak TLS');
    closing.close();
  });
});

it('counts what it sends, by verb and resource', async () => {
  const rest = client();
  await rest.json(getNode);
  await rest.json(getNode);
  await rejection(rest.json({ verb: 'delete', resource: resources.pods, namespace: 'n', name: 'a' }));
  expect(rest.counts()).toEqual({ 'get nodes': 2, 'delete pods': 1 });
});

describe('a server whose authority is an intermediate one', () => {
  let port: number;
  let peer: https.Server;
  beforeEach(async () => {
    peer = https.createServer({ cert: leaf, key: leafKey }, (_, response) => json(response, 200, { kind: 'Node' }));
    await new Promise<void>((resolve) => peer.listen(0, '127.0.0.1', resolve));
    port = (peer.address() as net.AddressInfo).port;
  });
  afterEach(() => void peer.close());

  function restWith(cluster: ClusterEntry): Rest {
    const rest = new Rest(
      { server: new URL(`https://127.0.0.1:${port}`), namespace: 'n', cluster, user: {}, contexts: [] },
      {},
      { interactive: false },
    );
    clients.push(rest);
    return rest;
  }

  it('is trusted, although its root is not there, as by Go', async () => {
    const rest = restWith({ certificateAuthorityData: base64(intermediate) });
    expect(await rest.json(getNode)).toEqual({ kind: 'Node' });
    const stranger = restWith({ certificateAuthorityData: base64(certificate) });
    expect((await rejection(stranger.json(getNode))).message).toContain('signed by an authority that is not trusted');
  });

  it('may be named by an address, which is checked and warned of by nobody', async () => {
    const warnings: string[] = [];
    const note = (warning: Error): unknown => warnings.push(warning.message);
    process.on('warning', note);
    const certificateAuthorityData = base64(intermediate);
    const rest = restWith({ certificateAuthorityData, tlsServerName: '10.96.0.1' });
    expect(await rest.json(getNode)).toEqual({ kind: 'Node' });
    const other = restWith({ certificateAuthorityData, tlsServerName: '10.96.0.2' });
    expect((await rejection(other.json(getNode))).message).toContain('is for another name');
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });

  it('whose file is replaced is trusted by the new one after a minute', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rest-'));
    const certificateAuthority = join(folder, 'ca.crt');
    writeFileSync(certificateAuthority, certificate);
    const now = vi.spyOn(Date, 'now');
    const rest = restWith({ certificateAuthority });
    await rejection(rest.json(getNode));
    writeFileSync(certificateAuthority, intermediate);
    now.mockReturnValue(Date.now() + 60_000);
    expect(await rest.json(getNode)).toEqual({ kind: 'Node' });
    now.mockRestore();
    await rm(folder, { recursive: true });
  });

  it('gets 3 s for each of its addresses, not the 250 ms of Node', async () => {
    const { agent } = await restWith({}).dial(getNode);
    expect((agent as https.Agent).options).toMatchObject({ autoSelectFamilyAttemptTimeout: 3_000 });
  });
});
