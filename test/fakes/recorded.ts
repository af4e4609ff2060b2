import { readFileSync } from 'node:fs';
import type { Handler } from './api-server.ts';

const folder = new URL('../kubernetes/fixtures/', import.meta.url);

/** One answer of a real API server, version 1.36, as test/kubernetes/fixtures/ has it. */
export interface Recorded {
  /** Of the request: method, then path with its query. */
  method: string;
  path: string;
  status: number;
  headers: Record<string, string>;
  /** As it came, JSON. */
  body: string;
  /** The message of a Status; empty of anything else. */
  message: string;
}

/** Reads a recorded answer: the request's line, the status line, the headers, an empty line, the body. */
export function recorded(name: string): Recorded {
  const text = readFileSync(new URL(`${name}.http`, folder), 'utf8');
  const end = text.indexOf('\n\n');
  const [request = '', statusLine = '', ...headerLines] = text.slice(0, end).split('\n');
  const [method = '', path = ''] = request.split(' ');
  const body = text.slice(end + 2).trim();
  const headers = headerLines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  const { message } = JSON.parse(body) as { message?: unknown };
  return {
    method,
    path,
    status: Number(statusLine.split(' ')[1]),
    headers: Object.fromEntries(headers),
    body,
    message: typeof message === 'string' ? message : '',
  };
}

/** Answers a request as recorded. */
export function replay(name: string): Handler {
  const { status, headers, body } = recorded(name);
  return (_request, response) => {
    response.writeHead(status, headers);
    response.end(body);
  };
}

/** RBAC's refusal in the words of a real one, of another rule. Without a namespace: at the cluster scope. */
export function forbidden(
  verb: string,
  resource: string,
  namespace?: string,
  user = 'system:serviceaccount:rec:limited',
): Record<string, unknown> {
  const recording = recorded(namespace === undefined ? 'list-pods-all-namespaces-rbac' : 'create-agent-rbac');
  const status = JSON.parse(recording.body) as Record<string, unknown>;
  const message = recording.message
    .replace(/^pods/, resource.split('/')[0] ?? '')
    .replace('system:serviceaccount:rec:limited', user)
    .replace(/cannot \S+ resource "pods"/, `cannot ${verb} resource "${resource}"`)
    .replace('in the namespace "rec"', `in the namespace "${namespace}"`);
  return { ...status, message };
}
