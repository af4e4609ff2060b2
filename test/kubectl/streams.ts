import type { V1Pod } from '@kubernetes/client-node';
import { writePlans } from '../../src/experiment/plan-record.ts';
import { type ApiServer, json } from '../fakes/api-server.ts';
import { recorded, replay } from '../fakes/recorded.ts';
import { plan, request } from '../fakes/samples.ts';
import { config, type Row } from './rows.ts';
import type { Scene } from './side.ts';

/** The agent of a detached experiment, which both attach to. */
export const agentPod = { experiment: 'chaos-7f3k2', name: 'chaos-7f3k2-0', container: 'target-0' };

function pod(): V1Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: agentPod.name,
      namespace: 'shop',
      uid: 'uid-agent',
      resourceVersion: '1',
      labels: {
        'app.kubernetes.io/managed-by': 'kubectl-chaos',
        'kubectl-chaos.io/experiment': agentPod.experiment,
      },
      creationTimestamp: new Date(),
      annotations: {
        'kubectl-chaos.io/verb': 'stress',
        'kubectl-chaos.io/target': 'shop/web/app',
        'kubectl-chaos.io/duration': '1h',
        'kubectl-chaos.io/plan': writePlans({
          targets: [plan(request({}, { detached: true, durationMs: 3_600_000 }))],
          of: 1,
        }),
      },
    },
    spec: { nodeName: 'node-3', containers: [{ name: agentPod.container, stdin: true }] },
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True' }],
      containerStatuses: [
        {
          ...{
            name: agentPod.container,
            restartCount: 0,
            ready: true,
            image: '',
            imageID: '',
            containerID: 'containerd://x',
          },
          state: { running: { startedAt: new Date() } },
        },
      ],
    },
  };
}

function prepare(server: ApiServer): void {
  const one = JSON.parse(JSON.stringify(pod())) as V1Pod;
  server
    .on('GET', '/api/v1/namespaces/shop/pods', ({ query }, response) =>
      query.has('watch')
        ? void response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
        : json(response, 200, { kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: '1' }, items: [one] }),
    )
    .on('GET', `/api/v1/namespaces/shop/pods/${agentPod.name}`, (_, response) => json(response, 200, one))
    .on('GET', /\/attach$/, replay('attach-not-websocket'))
    .on('POST', /\/attach$/, replay('attach-not-websocket'));
}

const refusing =
  (status: number, body: string): Scene['prepare'] =>
  (server) => {
    prepare(server);
    server.refuseAttach({ status, body });
  };

type Stream = Scene & Pick<Row, 'kubectl'> & { /** Of ours, on stderr. */ says?: RegExp };

const shop = { namespace: 'shop' };
const direct = config(undefined, undefined, shop);
const behind = (proxyUrl: string, server = '$named'): string =>
  config({ server, 'certificate-authority-data': '$ca', 'proxy-url': proxyUrl }, undefined, shop);
const stream = (what: string, kubectl: Row['kubectl'], rest: Partial<Stream>): Stream => ({
  what: `a stream ${what}`,
  ...{ kubectl, prepare, config: direct },
  ...rest,
});

export const streams: readonly Stream[] = [
  stream('as the server takes it', 'connects', {}),
  stream('through CONNECT', 'connects', { proxy: 'http', config: behind('http://$proxy') }),
  stream('through a proxy with TLS', 'refuses', {
    proxy: 'https',
    config: behind('https://$proxy'),
    differs:
      'the WebSockets of kubectl do not pass such a proxy: it falls back to SPDY, which this server does not speak',
  }),
  stream('through SOCKS', 'connects', { proxy: 'socks5', config: behind('socks5://$proxy') }),
  stream('to a server without TLS', 'connects', {
    server: 'plain',
    config: config({ server: '$server' }, undefined, shop),
  }),
  stream('to a server without TLS, through a proxy', 'connects', {
    ...{ proxy: 'http', server: 'plain', config: behind('http://$proxy', '$plain') },
  }),
  stream('by v4 alone', 'connects', { subprotocols: ['v4.channel.k8s.io'] }),
  ...[400, 502, 200].map((status) =>
    stream(`that is answered with ${status}`, 'refuses', {
      prepare: refusing(status, 'no') as (server: ApiServer) => void,
    }),
  ),
  stream('that RBAC refuses', 'refuses', {
    prepare: refusing(403, recorded('attach-rbac').body) as (server: ApiServer) => void,
    says: /pods\/attach|attach/,
  }),
  stream('behind a proxy that strips Upgrade', 'refuses', {
    proxy: 'strips',
    config: config({ server: 'https://$proxy', 'certificate-authority-data': '$ca' }, undefined, shop),
    says: /WebSocket/,
  }),
];
