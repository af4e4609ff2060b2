import { describe, expect, test } from 'vitest';
import { planNet } from '../../../src/faults/net/plan.ts';
import { listenId } from '../../../src/faults/net/sources.ts';
import type { Answer, NetPlan, NetSurroundings } from '../../../src/faults/net/types.ts';
import type { NetworkProbe } from '../../../src/ports.ts';
import { answer, answersFor, netFault, peer } from './support/fault.ts';

const ambient = ['169.254.7.127', 'fd16:9254:7127:1337:ffff:ffff:ffff:ffff'] as const;

function probe(change: Partial<NetworkProbe> = {}): NetworkProbe {
  const usual = { container: 'app', kind: 'liveness', by: 'http', port: 8080, path: '/healthz' } as const;
  return { ...usual, periodSeconds: 10, timeoutSeconds: 1, failureThreshold: 3, ...change };
}

const tcp = probe({ by: 'tcp', port: 5432, path: '' });
const heard = (...lines: string[]) => answer(listenId, lines.map((line) => `${line}\n`).join(''));

/** A pod with both families, on a node that is known. */
function plan(flags: string, change: Partial<NetSurroundings> = {}, ...answers: Answer[]): NetPlan {
  const both = { podIps: ['10.99.0.1', 'fd99::1'], nodeIps: ['192.168.1.10'], probes: [probe()] };
  const fault = netFault(flags, { ...both, ...change });
  return planNet(fault, answersFor(fault, answers), 'chaos-7f3k2', 'see ls', 60_000);
}

describe('who is excluded', () => {
  test.each(ambient)('%s, from which the kubelet probes in Istio ambient, is seen and excluded', (address) => {
    const { excluded, warnings, apply } = plan('--partition', {}, heard(`${address} 8080 kube-probe`));
    const [other] = ambient.filter((each) => each !== address);
    expect(excluded).toEqual([
      `${address} (Istio's ambient mode): seen probing port 8080 (kube-probe)`,
      `192.168.1.10 (node), 10.99.0.254 (gateway), fd99::fe (gateway) and ${other} (Istio's ambient mode): the kubelet's probes may come from here as well`,
      'loopback, ARP and IPv6 neighbour discovery',
    ]);
    expect(apply[0]?.input).toContain(address);
    expect(warnings.join()).not.toContain('probe');
  });

  test('Istio’s addresses are excluded before they are seen, of the families that the pod has', () => {
    const { excluded } = plan('--partition', { podIps: ['10.99.0.1'] });
    expect(excluded[0]).toBe(
      "192.168.1.10 (node), 10.99.0.254 (gateway), fd99::fe (gateway) and 169.254.7.127 (Istio's ambient mode): where the kubelet's probes usually come from",
    );
  });

  test('an address that nobody could know, once it is seen', () => {
    const { excluded, apply } = plan('--partition', {}, heard('10.0.0.77 8080 kube-probe', '10.0.0.78 8080 syn'));
    expect(excluded[0]).toMatch(/^192\.168|^10\.0\.0\.77: seen probing port 8080 \(kube-probe\)/);
    expect(excluded).toContain('10.0.0.77: seen probing port 8080 (kube-probe)');
    expect(apply[0]?.input).toContain('10.0.0.77');
    expect(apply[0]?.input).not.toContain('10.0.0.78');
  });

  test('a link-local address that connects to a port probed by TCP, which only a node has', () => {
    const { excluded, warnings } = plan('--partition', { probes: [tcp] }, heard('169.254.11.1 5432 syn'));
    expect(excluded[0]).toBe('169.254.11.1: seen connecting to port 5432, which the kubelet probes');
    expect(warnings.join()).not.toContain('liveness');
  });

  test('no link-local address of IPv6, which each pod has one of', () => {
    const { excluded, warnings } = plan('--partition', { probes: [tcp] }, heard('fe80:0:0:0:0:0:0:5 5432 syn'));
    expect(excluded.join()).not.toContain('fe80::5');
    expect(warnings.join('\n')).toContain('is not certain (port 5432 was connected to from fe80::5); if it comes from');
  });

  test('what network plugins write at the node', () => {
    const nodeSources = [{ address: '10.244.1.99', what: "Cilium's address of the node" }];
    expect(plan('--partition', { nodeSources }).excluded[0]).toContain("10.244.1.99 (Cilium's address of the node)");
    expect(plan('--partition', { nodeSources, probes: [] }).excluded[0]).toBe(
      '192.168.1.10 (node), 10.99.0.254 (gateway) and fd99::fe (gateway)',
    );
  });

  test('the gateway of the cluster’s network, and not that of another that the pod is in', () => {
    const routes = [
      { dst: 'default', gateway: '10.99.0.254', dev: 'eth0' },
      { dst: 'default', gateway: '192.0.2.2', dev: 'net1', metric: 200 },
      { type: 'local', dst: '10.99.0.1', dev: 'eth0', table: 'local' },
      { type: 'local', dst: '192.0.2.1', dev: 'net1', table: 'local' },
    ];
    const { excluded } = plan('--partition', { probes: [] }, answer('routes', JSON.stringify(routes)));
    expect(excluded[0]).toBe('192.168.1.10 (node) and 10.99.0.254 (gateway)');
  });
});

describe('who probes is listened to', () => {
  test.each<[what: string, flags: string, probes: NetworkProbe[], listening: NetPlan['listening']]>([
    [
      'for a period and a second',
      '--partition',
      [probe({ periodSeconds: 5 })],
      { ms: 6_000, ports: [8080], known: [] },
    ],
    [
      'at most 12 s',
      '--partition',
      [probe({ periodSeconds: 30, failureThreshold: 2 })],
      { ms: 12_000, ports: [8080], known: [] },
    ],
    [
      'by the request that comes first, of a readiness probe too',
      '--partition',
      [probe({ by: 'https', port: 8443 }), probe({ kind: 'readiness', periodSeconds: 2 })],
      { ms: 3_000, ports: [8080, 8443], known: [] },
    ],
    ['of a startup probe', '--partition', [probe({ kind: 'startup' })], { ms: 11_000, ports: [8080], known: [] }],
    [
      'until a known address connects, where none shows who it is',
      '--partition',
      [tcp, probe({ by: 'grpc', port: 9000, periodSeconds: 2 })],
      { ms: 11_000, ports: [5432, 9000], known: ['192.168.1.10', '10.99.0.254', 'fd99::fe', ...ambient] },
    ],
    [
      'of a startup probe, before whose success no other is sent',
      '--partition',
      [probe({ kind: 'startup' }), probe({ kind: 'readiness', port: 8081, periodSeconds: 1 })],
      { ms: 11_000, ports: [8080, 8081], known: [] },
    ],
    ['in a range', '--partition --from 10.0.0.0/8', [probe()], { ms: 11_000, ports: [8080], known: [] }],
  ])('%s', (_what, flags, probes, listening) => {
    expect(plan(flags, { probes }).listening).toEqual(listening);
  });

  test.each<[what: string, flags: string, change: Partial<NetSurroundings>]>([
    ['without probes', '--partition', { probes: [] }],
    ['for a readiness probe alone, which restarts nothing', '--partition', { probes: [probe({ kind: 'readiness' })] }],
    ['for a fault between the target and a peer', '--partition', { to: [peer('svc/db', ['10.96.0.12'])] }],
    ['for another port', '--partition --port 5432', {}],
    ['for another protocol', '--partition --protocol udp', {}],
    ['on another network', '--partition --interface net1', {}],
    ['in a range of another family than the pod’s first address', '--partition --from fd00::/8', {}],
    ['where a delay is shorter than a probe waits', '--delay 100ms --direction both', {}],
    ['where so few packets are lost', '--loss 2%', {}],
    ['where the fault is over before the last failure', '--partition', { probes: [probe({ periodSeconds: 30 })] }],
    ['where the probe goes to another host', '--partition', { probes: [probe({ host: 'db.example' })] }],
    ['on the network of the node', '--partition --allow-host-network', { hostNetwork: true }],
  ])('not %s', (_what, flags, change) => {
    const { listening, warnings } = plan(flags, change);
    expect(listening).toBeUndefined();
    expect(warnings.join()).not.toContain('probe of container');
  });
});

describe('what the kubelet will do', () => {
  const liveness = 'the liveness probe of container app (http :8080/healthz, every 10s, 3 failures)';
  const restart = 'the kubelet will restart container app after about 30s';

  test.each(['--partition', '--reject', '--loss 100%', '--delay 600ms'])('%s of the source: a restart', (flags) => {
    const { warnings } = plan(`${flags} --to 10.0.0.5`, {}, heard('10.0.0.5 8080 kube-probe'));
    expect(warnings).toContain(`${liveness} comes from 10.0.0.5, which is affected: ${restart}`);
  });

  test.each([
    ['--loss 20%', 'may'],
    ['--loss-model gemodel,1%,10%', 'may'],
    ['--delay 500ms --jitter 300ms', 'may'],
    ['--rate 1mbit', 'may'],
  ])('%s: perhaps a restart', (flags, verb) => {
    const { warnings } = plan(`${flags} --to 10.0.0.5`, {}, heard('10.0.0.5 8080 kube-probe'));
    expect(warnings.join('\n')).toContain(`the kubelet ${verb} restart container app after about 30s`);
  });

  test('nobody seen: that is said, with what follows if it is affected', () => {
    expect(plan('--partition', {}, heard()).warnings).toContain(
      `${liveness}: who sends it was not seen within 11s; if it comes from an address that is affected, ${restart}`,
    );
  });

  test('others seen: none of them is taken for the kubelet', () => {
    const { warnings, excluded } = plan(
      '--partition',
      { probes: [tcp] },
      heard('10.0.0.5 5432 syn', '10.0.0.6 5432 syn'),
    );
    expect(warnings).toContain(
      `the liveness probe of container app (tcp :5432, every 10s, 3 failures): who sends it is not certain (port 5432 was connected to from 10.0.0.5, 10.0.0.6); if it comes from an address that is affected, ${restart}`,
    );
    expect(excluded.join()).not.toContain('10.0.0.5');
  });

  test('a neighbour that calls itself the kubelet: that this is not certain', () => {
    const { warnings } = plan('--partition', {}, heard('10.0.0.77 8080 kube-probe', '192.168.1.10 8080 syn'));
    expect(warnings).toContain(
      `${liveness}: 10.0.0.77 calls itself the kubelet, but is not known to be the node's; if it comes from another address that is affected, ${restart}`,
    );
  });

  test('a connection from the node that is none of its HTTP probes does not tell where those come from', () => {
    const { warnings } = plan('--partition', {}, heard('192.168.1.10 8080 syn'));
    expect(warnings.join('\n')).toContain('is not certain (port 8080 was connected to from 192.168.1.10); if it');
  });

  test('one from the node is all that is seen of HTTP probes with a User-Agent of their own', () => {
    const probes = [probe({ hasOwnAgent: true })];
    expect(plan('--partition', { probes }).listening?.known).toContain('192.168.1.10');
    expect(plan('--partition', { probes }, heard('192.168.1.10 8080 syn')).warnings.join()).not.toContain('liveness');
  });

  test('the end of a container that is not started again', () => {
    const { warnings } = plan('--partition', { probes: [probe({ isFinal: true })] }, heard());
    expect(warnings.join('\n')).toContain(
      'the kubelet will end container app after about 30s, which is not started again (restart policy Never)',
    );
  });

  test('nobody could listen: why', () => {
    const { warnings } = plan('--partition', {}, answer(listenId, '', 1, 'Operation not permitted'));
    expect(warnings.join('\n')).toContain('who sends it could not be seen (Operation not permitted); if');
  });

  test('a known address that connects to a port probed by TCP is enough', () => {
    const { warnings, excluded } = plan(
      '--partition',
      { probes: [tcp] },
      heard('10.99.0.254 5432 syn', '10.0.0.5 5432 syn'),
    );
    expect(excluded[0]).toBe('10.99.0.254 (gateway): seen connecting to port 5432, which the kubelet probes');
    expect(warnings.join()).not.toContain('liveness');
  });

  test('of a sidecar, and of a readiness probe', () => {
    const probes = [
      probe({ container: 'mesh', port: 15021, path: '/ready', failureThreshold: 1 }),
      probe({ kind: 'readiness', periodSeconds: 5 }),
    ];
    const { warnings } = plan('--partition --from 192.168.1.10', { probes }, heard('192.168.1.10 15021 kube-probe'));
    expect(warnings).toContain(
      'the liveness probe of container mesh (http :15021/ready, every 10s, 1 failure) comes from 192.168.1.10 (node), which is affected: the kubelet will restart container mesh after about 10s',
    );
    expect(warnings).toContain(
      'the readiness probe of container app (http :8080/healthz, every 5s, 3 failures) comes from 192.168.1.10 (node), which is affected: the pod will be taken out of its services after about 15s',
    );
  });
});
