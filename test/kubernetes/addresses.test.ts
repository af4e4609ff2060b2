import type { V1Service } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findPeers } from '../../src/faults/net/survey.ts';
import type { PeerQuery } from '../../src/faults/net/types.ts';
import { addressesOf } from '../../src/kubernetes/addresses.ts';
import { podNetwork } from '../../src/kubernetes/pod-network.ts';
import { cidrsOf, serviceAddresses } from '../../src/kubernetes/service.ts';
import { ApiServer, json } from '../fakes/api-server.ts';
import { forbidden } from '../fakes/recorded.ts';
import { netRequest } from '../fakes/samples.ts';
import { readyNode, runningPod } from './objects.ts';
import { rejection, restFor } from './support.ts';

const db: PeerQuery = { kind: 'service', text: 'svc/db', name: 'db', namespace: undefined };
const namedPort: V1Service = { spec: { clusterIPs: ['10.96.0.7', 'FD00::7'], ports: [{ name: 'pg', port: 5432 }] } };
const one = (address: string) => ({ family: 4, address, prefix: 32 });

describe('cidrsOf', () => {
  it('is canonical, once each, and passes over what is no address', () => {
    expect(cidrsOf(['10.0.0.1', 'FD00:0::1', 'fd00::1', 'None', '', 'db.example.com', '10.0.0.1'])).toEqual([
      one('10.0.0.1'),
      { family: 6, address: 'fd00::1', prefix: 128 },
    ]);
  });
});

describe('serviceAddresses', () => {
  it('has its own ports at the cluster IPs, and those of the pods at the endpoints', () => {
    const sets = [
      {
        addresses: ['10.0.0.5'],
        ports: [
          { name: 'pg', port: 15432 },
          { name: 'metrics', port: 9187 },
        ],
      },
      { addresses: ['10.0.0.6'], ports: [{ name: 'pg', port: 25432 }] },
    ];
    expect(serviceAddresses(namedPort, sets)).toEqual([
      { cidrs: [one('10.96.0.7'), { family: 6, address: 'fd00::7', prefix: 128 }] },
      {
        cidrs: [one('10.0.0.5'), one('10.0.0.6')],
        portMap: [
          { port: 5432, targetPort: 15432 },
          { port: 5432, targetPort: 25432 },
        ],
      },
    ]);
  });

  it('knows a single port without a name, and a service without a cluster IP', () => {
    const headless: V1Service = { spec: { clusterIP: 'None', ports: [{ port: 80 }] } };
    expect(serviceAddresses(headless, [{ addresses: ['10.0.0.5'], ports: [{ port: 8080 }] }])).toEqual([
      { cidrs: [one('10.0.0.5')], portMap: [{ port: 80, targetPort: 8080 }] },
    ]);
  });

  it('is nothing when there is neither', () => {
    expect(serviceAddresses({ spec: { clusterIP: 'None' } }, [])).toEqual([]);
  });
});

describe('podNetwork', () => {
  const node = readyNode((each) => {
    each.status.addresses = [
      { type: 'InternalIP', address: '192.168.1.3' },
      { type: 'Hostname', address: 'node-3' },
      { type: 'InternalIP', address: 'fd01::3' },
    ];
  });
  const pod = runningPod((each) => {
    each.status.podIP = '10.0.0.5';
    each.status.podIPs = [{ ip: '10.0.0.5' }, { ip: 'fd00::5' }];
    each.spec.initContainers = [{ name: 'mesh', restartPolicy: 'Always' }, { name: 'migrate' }];
  });

  it('tells who shares the network', () => {
    expect(podNetwork({ pod, node })).toEqual({
      hostNetwork: false,
      podIps: ['10.0.0.5', 'fd00::5'],
      nodeIps: ['192.168.1.3', 'fd01::3'],
      podContainers: ['app', 'proxy', 'mesh'],
      probes: [],
      nodeSources: [],
    });
  });

  it('says which addresses it does not know', () => {
    const place = podNetwork({ pod, node: undefined });
    expect(place.nodeIps).toEqual([]);
    expect(place.assumed).toEqual([expect.stringContaining('not allowed to get node node-3')]);
  });

  it.each(['livenessProbe', 'readinessProbe', 'startupProbe'] as const)(
    'sees a %s that comes over the network',
    (name) => {
      for (const probe of [
        { httpGet: { port: 80 } },
        { tcpSocket: { port: 80 } },
        { grpc: { port: 80 } },
        { exec: {} },
      ]) {
        const probed = runningPod((each) => {
          each.spec.containers = [{ name: 'app' }, { name: 'proxy', [name]: probe }];
        });
        const { probes } = podNetwork({ pod: probed, node });
        expect(probes, JSON.stringify(probe)).toHaveLength('exec' in probe ? 0 : 1);
      }
    },
  );

  it('sees the network of the node', () => {
    const onHost = runningPod((each) => {
      each.spec.hostNetwork = true;
    });
    expect(podNetwork({ pod: onHost, node }).hostNetwork).toBe(true);
  });
});

describe('findPeers', () => {
  const core = '/api/v1/namespaces';
  const slices = (namespace: string, version = 'v1') =>
    `/apis/discovery.k8s.io/${version}/namespaces/${namespace}/endpointslices`;
  let server: ApiServer;
  beforeEach(async () => {
    server = await ApiServer.start();
  });
  afterEach(() => server.stop());

  const find = (to: PeerQuery[], except: PeerQuery[] = []) => {
    const rest = restFor(server);
    const cluster = { addressesOf: addressesOf.bind(undefined, rest) };
    return findPeers(netRequest({ to, except }).fault, 'shop', cluster).finally(() => rest.close());
  };
  const answer = (path: string, body: unknown, code = 200) =>
    server.on('GET', path, (_, response) => json(response, code, body));
  const forbid = (path: string, resource: string) =>
    answer(path, forbidden('get', resource, /namespaces\/([^/]+)/.exec(path)?.[1], 'ada'), 403);

  it('asks for nothing that is named by its address, or is for the target to resolve', async () => {
    const cidr: PeerQuery = { kind: 'cidr', text: '10.0.0.7', cidr: { family: 4, address: '10.0.0.7', prefix: 32 } };
    const host: PeerQuery = { kind: 'host', text: 'db.example.com', name: 'db.example.com' };
    expect(await find([cidr], [host])).toEqual({
      to: [{ query: cidr, cidrs: [one('10.0.0.7')] }],
      from: [],
      except: [{ query: host, cidrs: [] }],
    });
    expect(server.received).toEqual([]);
  });

  it('finds a service by its slices, of both families', async () => {
    answer(`${core}/shop/services/db`, namedPort);
    answer(slices('shop'), {
      items: [
        { addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.5'] }], ports: [{ name: 'pg', port: 15432 }] },
        { addressType: 'IPv6', endpoints: [{ addresses: ['fd00::5'] }], ports: [{ name: 'pg', port: 15432 }] },
      ],
    });
    const { to } = await find([db], [db]);
    expect(to.map(({ cidrs }) => cidrs.map(({ address }) => address))).toEqual([
      ['10.96.0.7', 'fd00::7'],
      ['10.0.0.5', 'fd00::5'],
    ]);
    expect(server.received).toHaveLength(2);
    expect(server.requestsTo(slices('shop'))[0]?.query.get('labelSelector')).toBe('kubernetes.io/service-name=db');
  });

  it('falls back to the slices of before Kubernetes 1.21, and to Endpoints', async () => {
    answer(`${core}/shop/services/db`, namedPort);
    answer(slices('shop', 'v1beta1'), {
      items: [{ addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.5'] }], ports: [{ name: 'pg', port: 1 }] }],
    });
    expect((await find([db])).to[1]?.portMap).toEqual([{ port: 5432, targetPort: 1 }]);
    answer(slices('shop', 'v1beta1'), { items: [] });
    answer(`${core}/shop/endpoints/db`, {
      subsets: [
        {
          addresses: [{ ip: '10.0.0.8' }],
          notReadyAddresses: [{ ip: '10.0.0.9' }],
          ports: [{ name: 'pg', port: 2 }],
        },
      ],
    });
    const [, behind] = (await find([db])).to;
    expect(behind).toMatchObject({ cidrs: [one('10.0.0.8'), one('10.0.0.9')], portMap: [{ targetPort: 2 }] });
  });

  it('takes a service that is another name of a host for that host', async () => {
    answer(`${core}/shop/services/db`, { spec: { type: 'ExternalName', externalName: 'db.example.com.' } });
    expect((await find([db])).to).toEqual([
      { query: { kind: 'host', text: 'svc/db', name: 'db.example.com' }, cidrs: [] },
    ]);
  });

  it('finds a workload by the pods that run, and a pod in another namespace', async () => {
    const labelled = { spec: { selector: { matchLabels: { app: 'cache' } } } };
    const pod = (phase: string, ip: string) => runningPod(({ status }) => Object.assign(status, { phase, podIP: ip }));
    answer('/apis/apps/v1/namespaces/shop/deployments/cache', labelled);
    answer(`${core}/shop/pods`, { metadata: {}, items: [pod('Running', '10.0.0.5'), pod('Succeeded', '10.0.0.6')] });
    answer(`${core}/infra/pods/dns`, pod('Running', '10.0.1.1'));
    const { to } = await find([
      { kind: 'deployment', text: 'deploy/cache', name: 'cache', namespace: undefined },
      { kind: 'pod', text: 'pod/dns.infra', name: 'dns', namespace: 'infra' },
    ]);
    expect(to.map(({ cidrs }) => cidrs)).toEqual([[one('10.0.0.5')], [one('10.0.1.1')]]);
  });

  it.each<[query: PeerQuery, why: string]>([
    [db, '--to svc/db has no address: it has no cluster IP and no endpoints'],
    [
      { kind: 'deployment', text: 'deploy/cache', name: 'cache', namespace: undefined },
      '--to deploy/cache has no address: it has no running pods',
    ],
    [
      { kind: 'pod', text: 'pod/new', name: 'new', namespace: undefined },
      '--to pod/new has no address: it is not running, or has no IP yet',
    ],
  ])('refuses %j without an address', async (query, message) => {
    answer(`${core}/shop/services/db`, { spec: { clusterIP: 'None' } });
    answer(slices('shop'), { items: [] });
    answer('/apis/apps/v1/namespaces/shop/deployments/cache', {
      spec: { selector: { matchLabels: { app: 'cache' } } },
    });
    answer(`${core}/shop/pods`, { metadata: {}, items: [] });
    answer(
      `${core}/shop/pods/new`,
      runningPod(({ status: pod }) => Object.assign(pod, { phase: 'Pending' })),
    );
    expect(await rejection(find([query]))).toMatchObject({ code: 'target-unsuitable', message });
  });

  it('names what there is when there is no such service', async () => {
    answer(`${core}/shop/services`, { items: [{ metadata: { name: 'db-replica' } }] });
    expect(await rejection(find([db]))).toMatchObject({
      code: 'not-found',
      message: 'there is no service "db" in namespace shop',
      hint: expect.stringContaining('db-replica'),
    });
  });

  it('names all the rights that are missing', async () => {
    forbid(`${core}/shop/services/db`, 'services');
    forbid(slices('shop'), 'endpointslices');
    forbid(`${core}/shop/endpoints/db`, 'endpoints');
    forbid(`${core}/infra/pods/dns`, 'pods');
    const pod: PeerQuery = { kind: 'pod', text: 'pod/dns', name: 'dns', namespace: 'infra' };
    expect(await rejection(find([db, pod]))).toMatchObject({
      code: 'forbidden',
      message:
        '"ada" is not allowed to get services in namespace shop; "ada" is not allowed to get pods in namespace infra',
      hint: expect.stringMatching(/resources: \["services"\].*; .*resources: \["pods"\]/),
    });
  });

  it('says which right for the endpoints is missing', async () => {
    answer(`${core}/shop/services/db`, namedPort);
    forbid(slices('shop'), 'endpointslices');
    forbid(`${core}/shop/endpoints/db`, 'endpoints');
    expect(await rejection(find([db]))).toMatchObject({
      code: 'forbidden',
      hint: expect.stringContaining('resources: ["endpoints"]'),
    });
  });
});
