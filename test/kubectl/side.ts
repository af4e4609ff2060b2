import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApiServer, json, type Received, status } from '../fakes/api-server.ts';
import { startProxy } from '../fakes/proxies.ts';
import { certificate, intermediate, leaf, leafKey, privateKey } from '../fakes/tls.ts';
import { answerDiscovery } from './discovery.ts';
import { type Ended, type Program, runProgram } from './programs.ts';
import type { Row } from './rows.ts';

/** What became of one side. */
export interface Seen extends Ended {
  /** What the server saw of the first request for pods, or undefined. */
  view: Record<string, unknown> | undefined;
  /** Path of the first request for one object, or undefined. */
  object: string | undefined;
  /** The first stream that the server took: path, query and headers, or undefined. */
  stream: Record<string, unknown> | undefined;
}

/** What a side is run on: a row, and for streams what the server does with them. */
export type Scene = Omit<Row, 'kubectl'> & {
  /** Subprotocols that the server speaks. */
  subprotocols?: readonly string[];
  /** Prepares the server further. */
  prepare?: (server: ApiServer) => void;
};

let runs = 0;

const nothing = { kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: '1' }, items: [] };

/** Runs one of the two by itself: server, proxy, home and folder (in `folder`) are its own. One that has its stream is ended. */
export async function runSide(folder: string, program: Program, row: Scene, words: readonly string[]): Promise<Seen> {
  const place = join(folder, String(runs++));
  mkdirSync(join(place, 'home'), { recursive: true });
  const server = await ApiServer.start({
    secure: row.server !== 'plain',
    ...(row.subprotocols ? { subprotocols: row.subprotocols } : {}),
    ...(row.server === 'leaf' ? { identity: { cert: leaf, key: leafKey } } : {}),
  });
  const isOfAll = [...words, ...(row.args ?? [])].some((word) => /^(-A|--all-namespaces)/.test(word));
  answerDiscovery(server);
  server
    .on('GET', /\/(pods|configmaps)$/, (_, response) => json(response, 200, nothing))
    // So that ours asks for the one namespace that kubectl asks for.
    .on('GET', /^\/api\/v1\/(pods|configmaps)$/, (_, response) =>
      isOfAll ? json(response, 200, nothing) : json(response, 403, status(403, 'Forbidden', 'of one namespace alone')),
    )
    .on('POST', /\/pods$/, ({ body }, response) => json(response, 201, body));
  row.prepare?.(server);
  let stream: Received | undefined;
  const streaming = new AbortController();
  server.onAttach(({ request }) => {
    stream = request;
    streaming.abort();
  });
  const proxy = row.proxy && (await startProxy(row.proxy, server.port));
  /** Each side has ports of its own. */
  const hostOf = ({ headers }: Received): string | undefined =>
    headers.host?.replace(proxy ? proxy.host : '', 'PROXY').replace(`:${server.port}`, ':PORT');
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
      streaming.signal,
    );
    const first = server.received.find(({ path }) => /\/namespaces\/[^/]+\/pods$/.test(path));
    const object = server.received.map(objectOf).find(Boolean);
    return {
      ...ended,
      view: first && {
        path: first.path,
        authorization: first.headers.authorization,
        impersonation: impersonation(first.rawHeaders),
        certificate: first.hasCertificate,
        name: first.serverName,
        host: hostOf(first),
        proxied: proxy ? proxy.asked() > 0 : false,
      },
      object,
      stream: stream && {
        path: stream.path,
        query: [...stream.query].filter(([name]) => name !== 'tty').sort(),
        authorization: stream.headers.authorization,
        name: stream.serverName,
        host: hostOf(stream),
        subprotocol: stream.headers['sec-websocket-protocol']?.split(',')[0],
        proxied: proxy ? proxy.asked() > 0 : false,
      },
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
