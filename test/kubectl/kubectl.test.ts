import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiServer, json, type Received } from '../fakes/api-server.ts';
import { startProxy } from '../fakes/proxies.ts';
import { certificate, intermediate, leaf, leafKey, privateKey } from '../fakes/tls.ts';
import { answerDiscovery } from './discovery.ts';
import { bundle, type Ended, findKubectl, type Program, runProgram, versionOf } from './programs.ts';
import { type Row, rows } from './rows.ts';
import { spellings } from './spellings.ts';

/**
 * kubectl 1.36 and ours, a process each, on the same kubeconfig, flags, environment and proxy, each before an API server of its own: what kubectl does is right.
 * A row that differs on purpose says why, and fails when it no longer differs.
 */
const kubectl = findKubectl();
const why = 'why' in kubectl ? ` (skipped: ${kubectl.why})` : '';
const folder = mkdtempSync(join(tmpdir(), 'kubectl-'));
let ours: Program;
let theirs: Program;
beforeAll(async () => {
  if (!('path' in kubectl)) return;
  ours = await bundle(join(folder, 'ours'));
  theirs = [kubectl.path];
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Seen extends Ended {
  /** What the server saw of the first request for pods, or undefined. */
  view: Record<string, unknown> | undefined;
  /** Path of the first request for one object, or undefined. */
  object: string | undefined;
}

let runs = 0;

/** Runs one of the two by itself: server, proxy, home and folder are its own. */
async function run(program: Program, row: Omit<Row, 'kubectl'>, words: readonly string[]): Promise<Seen> {
  const place = join(folder, String(runs++));
  mkdirSync(join(place, 'home'), { recursive: true });
  const server = await ApiServer.start({
    secure: row.server !== 'plain',
    ...(row.server === 'leaf' ? { identity: { cert: leaf, key: leafKey } } : {}),
  });
  answerDiscovery(server);
  server
    .on('GET', /\/(pods|configmaps)$/, (_, response) =>
      json(response, 200, { kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: '1' }, items: [] }),
    )
    .on('POST', /\/pods$/, ({ body }, response) => json(response, 201, body));
  const proxy = row.proxy && (await startProxy(row.proxy, server.port));
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const values: Record<string, string> = {
    server: server.url,
    named: `https://api-server.test:${server.port}`,
    plain: `http://api-server.test:${server.port}`,
    port: String(server.port),
    proxy: proxy ? proxy.host : 'none',
    ca: base64(certificate),
    key: base64(privateKey),
    intermediate: base64(intermediate),
    here: place,
  };
  const fill = (text: string): string => text.replace(/\$([a-z]+)\b/g, (whole, name) => values[name] ?? whole);
  try {
    writeFileSync(join(place, 'ca.crt'), certificate);
    for (const [name, text] of Object.entries(row.files ?? {})) {
      writeFileSync(join(place, name), fill(text), { mode: 0o755 });
    }
    if (row.config !== undefined) writeFileSync(join(place, 'config'), fill(row.config));
    const env = Object.fromEntries(Object.entries(row.env ?? {}).map(([name, value]) => [name, fill(value)]));
    const ended = await runProgram(
      program,
      [...words, ...(row.args ?? [])].map(fill),
      {
        HOME: join(place, 'home'),
        KUBECONFIG: join(place, 'config'),
        // Each is started some hundred times: without this, mostly to compile itself and to start threads.
        NODE_COMPILE_CACHE: join(folder, 'compiled'),
        GOMAXPROCS: '1',
        ...env,
      },
      place,
    );
    const first = server.received.find(({ path }) => /\/pods$/.test(path));
    const object = server.received.map(objectOf).find(Boolean);
    return {
      ...ended,
      view: first && {
        path: first.path,
        authorization: first.headers.authorization,
        impersonation: impersonation(first.rawHeaders),
        certificate: first.hasCertificate,
        name: first.serverName,
        host: first.headers.host?.replace(`:${server.port}`, ':PORT'),
        proxied: proxy ? proxy.asked() > 0 : false,
      },
      object,
    };
  } finally {
    proxy?.stop();
    await server.stop();
  }
}

/** The one object that is asked for, by its path or as a list of one. */
function objectOf({ path, query }: Received): string | undefined {
  if (/\/namespaces\/[^/]+\/[a-z]+\/[^/]+$/.test(path)) return path;
  const name = /^metadata\.name=(.+)$/.exec(query.get('fieldSelector') ?? '')?.[1];
  return name && `${path}/${name}`;
}

function impersonation(raw: readonly string[]): string[] {
  const fields: string[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]?.toLowerCase() ?? '';
    if (name.startsWith('impersonate-')) fields.push(`${name}: ${raw[at + 1]}`);
  }
  return fields.sort();
}

describe.skipIf('why' in kubectl)(`beside kubectl 1.36${why}`, () => {
  it('the judge is of the version that the recorded answers are of', () => {
    expect(versionOf(theirs[0], folder)).toMatch(/^v1\.36\./);
  });

  it.concurrent.each(rows)('$what', { timeout: 180_000 }, async (row) => {
    const [judge, mine] = await Promise.all([
      run(theirs, row, row.single ? ['get', '--raw', '/api/v1/namespaces/default/pods'] : ['get', 'pods']),
      run(ours, row, ['ls']),
    ]);
    const outcome = ({ code, view }: Seen): unknown =>
      code === 0 ? { connects: view } : code === null ? 'hangs' : 'refuses';
    const said = `kubectl: ${judge.code} ${judge.stderr}\nours: ${mine.code} ${mine.stderr}`;
    expect(judge.code === 0 ? 'connects' : 'refuses', said).toBe(row.kubectl);
    if (row.differs) expect(outcome(mine), said).not.toEqual(outcome(judge));
    else expect(outcome(mine), said).toEqual(outcome(judge));
  });

  it.concurrent.each(spellings)('$what', { timeout: 180_000 }, async (row) => {
    const [judge, mine] = await Promise.all([run(theirs, row, row.judge), run(ours, row, row.ours)]);
    const said = `kubectl: ${judge.code} ${judge.stderr}\nours: ${mine.code} ${mine.stderr}`;
    // A command line that is not understood ends with 2 here, and kubectl sends nothing for it.
    const judged = row.compare === 'object' ? judge.object : judge.code === 0;
    const done = row.compare === 'object' ? mine.object : mine.code !== 2;
    if (row.differs) expect(done, said).not.toEqual(judged);
    else expect(done, said).toEqual(judged);
    expect(row.compare === 'object' ? judge.object !== undefined : judge.code === 0, said).toBe(row.accepted);
  });
});
