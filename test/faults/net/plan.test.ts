import { describe, expect, test } from 'vitest';
import { ChaosError } from '../../../src/errors.ts';
import { followNames } from '../../../src/faults/net/names.ts';
import { planNet } from '../../../src/faults/net/plan.ts';
import { questions } from '../../../src/faults/net/questions.ts';
import type { Answer, NetFault, NetPlan } from '../../../src/faults/net/types.ts';
import type { NetworkProbe } from '../../../src/ports.ts';
import { answer, answersFor, fixture, netFault, peer } from './support/fault.ts';

const plan = (fault: NetFault, ...change: Answer[]): NetPlan =>
  planNet(fault, answersFor(fault, change), 'chaos-7f3k2', 'see ls');
const batchOf = (made: NetPlan, tool: string) =>
  made.apply
    .find(({ argv }) => argv[0] === tool)
    ?.input?.trimEnd()
    .split('\n');

const database = [
  peer('svc/db', ['10.96.0.12', 'fd96::12']),
  peer('svc/db', ['10.244.1.7', '10.244.2.9'], [{ port: 5432, targetPort: 15432 }]),
];

describe('shaping', () => {
  const asked = '--delay 100ms --jitter 20ms --correlation 25% --distribution normal --loss 2% --to svc/db --port 5432';
  const made = plan(netFault(asked, { to: database, podContainers: ['app', 'proxy'], nodeIps: ['192.168.1.10'] }));

  test('in one batch, under a handle of our own', () => {
    expect(made.apply).toHaveLength(1);
    expect(made.apply[0]?.argv).toEqual(['tc', '-batch', '-']);
    const filter = 'filter add dev eth0 parent c4a0: protocol';
    const tcp = 'match ip protocol 6 0xff match ip ihl 5 0xf match u16 0 0x1fff at 6 match ip dport';
    const udp = tcp.replace(' 6 0xff', ' 17 0xff');
    expect(batchOf(made, 'tc')).toEqual([
      'qdisc add dev eth0 root handle c4a0: htb default 0 direct_qlen 1000',
      'class add dev eth0 parent c4a0: classid c4a0:10 htb rate 32000000000bit ceil 32000000000bit burst 40000000 cburst 40000000 quantum 60000',
      'qdisc add dev eth0 parent c4a0:10 handle c4a1: netem limit 12000 delay 100ms 20ms 25% distribution normal loss random 2%',
      `${filter} ip pref 100 u32 match ip dst 192.168.1.10/32 flowid c4a0:`,
      `${filter} ip pref 100 u32 match ip dst 10.99.0.254/32 flowid c4a0:`,
      `${filter} ip pref 200 u32 match ip dst 10.96.0.12/32 ${tcp} 5432 0xffff flowid c4a0:10`,
      `${filter} ip pref 200 u32 match ip dst 10.96.0.12/32 ${udp} 5432 0xffff flowid c4a0:10`,
      // The endpoints serve it at another port.
      ...['10.244.1.7', '10.244.2.9'].flatMap((address) =>
        [tcp, udp].map(
          (match) => `${filter} ip pref 200 u32 match ip dst ${address}/32 ${match} 15432 0xffff flowid c4a0:10`,
        ),
      ),
      `${filter} ipv6 pref 101 u32 match ip6 dst fd99::fe/128 flowid c4a0:`,
      `${filter} ipv6 pref 101 u32 match ip6 protocol 58 0xff match u8 0x85 0xff at 40 flowid c4a0:`,
      `${filter} ipv6 pref 101 u32 match ip6 protocol 58 0xff match u8 0x86 0xfe at 40 flowid c4a0:`,
      `${filter} ipv6 pref 101 u32 match ip6 protocol 58 0xff match u8 0x88 0xfe at 40 flowid c4a0:`,
      `${filter} ipv6 pref 201 u32 match ip6 dst fd96::12/128 match ip6 protocol 6 0xff match ip6 dport 5432 0xffff flowid c4a0:10`,
      `${filter} ipv6 pref 201 u32 match ip6 dst fd96::12/128 match ip6 protocol 17 0xff match ip6 dport 5432 0xffff flowid c4a0:10`,
    ]);
    expect(made.undo).toEqual([{ kind: 'qdisc', device: 'eth0', handle: 'c4a0:' }]);
  });

  test('says what is affected and what is excluded', () => {
    expect(made.affected).toEqual([
      'delay 100ms ±20ms and 2% loss',
      'egress to svc/db (10.96.0.12, fd96::12, 10.244.1.7, 10.244.2.9), tcp and udp, port 5432, through eth0',
      'all 2 containers of the pod, which share its network: app and proxy',
    ]);
    expect(made.excluded).toEqual([
      '192.168.1.10 (node), 10.99.0.254 (gateway) and fd99::fe (gateway)',
      'loopback, ARP and IPv6 neighbour discovery',
    ]);
    expect(made.warnings).toEqual([]);
    expect(made.probe).toEqual({ address: '10.244.1.7', port: 15_432 });
  });

  test('of what comes in, by a link of our own for each interface', () => {
    const both = plan(netFault('--rate 1mbit --direction both'));
    expect(batchOf(both, 'ip')).toEqual(
      ['chaos7f3k20', 'chaos7f3k21', 'chaos7f3k22'].flatMap((name) => [
        `link add ${name} type ifb`,
        `link set dev ${name} up`,
      ]),
    );
    expect(batchOf(both, 'tc')?.filter((line) => !line.startsWith('filter add dev net'))).toEqual(
      expect.arrayContaining([
        'class add dev eth0 parent c4a0: classid c4a0:10 htb rate 1000000bit ceil 1000000bit burst 4096 cburst 4096 quantum 60000',
        'qdisc add dev chaos7f3k20 parent c4a0:10 handle c4a1: bfifo limit 131072',
        'qdisc add dev eth0 ingress',
        'filter add dev eth0 parent ffff: protocol ip pref 1 u32 match u32 0 0 action mirred egress redirect dev chaos7f3k20',
      ]),
    );
    expect(both.undo.slice(0, 2)).toEqual([
      { kind: 'ingress', device: 'eth0' },
      { kind: 'link', name: 'chaos7f3k20' },
    ]);
    expect(both.undo.at(-1)).toEqual({ kind: 'qdisc', device: 'net1', handle: 'c4a0:' });
    expect(both.warnings).toContain('each of eth0, net2 and net1 has the whole rate for itself');
    expect(both.probe).toBeUndefined();
  });

  test('has no queue left on a device that had none', () => {
    const links = answer('links', fixture('links').replaceAll('"txqlen": 1000,', ''));
    expect(plan(netFault('--rate 1mbit --interface eth0 --direction ingress'), links).undo).toEqual([
      { kind: 'ingress', device: 'eth0' },
      { kind: 'link', name: 'chaos7f3k20' },
      { kind: 'txqueuelen', device: 'eth0', length: 0 },
    ]);
  });

  test.each([
    ['--delay 1s', 'netem limit 100000 delay 1000ms'],
    ['--delay 5ms --jitter 5ms --distribution uniform', 'netem limit 1000 delay 5ms 5ms'],
    ['--loss 0.1%,25%', 'netem limit 1000 loss random 0.1% 25%'],
    ['--loss-model gemodel,1%,10%', 'netem limit 1000 loss gemodel 1% 10%'],
    ['--corrupt 1% --duplicate 2%', 'netem limit 1000 corrupt 1% duplicate 2%'],
    ['--delay 10ms --reorder 25%,50%', 'netem limit 1000 delay 10ms reorder 25% 50%'],
    ['--delay 10ms --rate 1mbit', 'netem limit 1000 delay 10ms'],
    ['--rate 100mbit', 'bfifo limit 5000000'],
  ])('%s', (flags, leaf) => {
    expect(batchOf(plan(netFault(flags)), 'tc')).toContain(`qdisc add dev eth0 parent c4a0:10 handle c4a1: ${leaf}`);
  });

  test.each([
    ['--to 10.99.0.7', ['eth0']],
    ['--to 203.0.113.0/24', ['eth0']],
    ['--to 192.0.2.9', ['net1']],
    ['--to 198.51.100.9', ['eth0', 'net1']],
    ['--to 192.0.2.0/23,fd99::9', ['eth0', 'net1']],
    ['--to 192.0.2.9 --interface eth0', ['eth0']],
    ['--interface lo', ['lo']],
    ['', ['eth0', 'net2', 'net1']],
  ])('%s goes through %j', (flags, devices) => {
    const { by } = plan(netFault(`--rate 1mbit ${flags}`.trim())).basis;
    expect(by.tool === 'tc' && by.ports.map(({ device }) => device)).toEqual(devices);
  });
});

describe('partition and reject', () => {
  test('are one table, made in one transaction', () => {
    const made = plan(
      netFault('--reject --to svc/db --port 5432,6000-6010 --except 10.96.0.99', { to: database.slice(0, 1) }),
    );
    expect(made.apply).toEqual([{ argv: ['nft', '-f', '-'], input: expect.any(String) }]);
    expect(made.apply[0]?.input).toMatchInlineSnapshot(`
      "create table inet kubectl_chaos_7f3k2
      table inet kubectl_chaos_7f3k2 {
        counter egress { }
        counter ingress { }
        set egress_excluded_4 { type ipv4_addr; flags interval; elements = { 10.96.0.99, 10.99.0.254 } }
        set egress_excluded_6 { type ipv6_addr; flags interval; elements = { fd99::fe } }
        set egress_0_4 { type ipv4_addr; flags interval; elements = { 10.96.0.12 } }
        set egress_0_6 { type ipv6_addr; flags interval; elements = { fd96::12 } }
        set ingress_excluded_4 { type ipv4_addr; flags interval; elements = { 10.96.0.99, 10.99.0.254 } }
        set ingress_excluded_6 { type ipv6_addr; flags interval; elements = { fd99::fe } }
        set ingress_0_4 { type ipv4_addr; flags interval; elements = { 10.96.0.12 } }
        set ingress_0_6 { type ipv6_addr; flags interval; elements = { fd96::12 } }
        chain egress {
          type filter hook output priority -300; policy accept;
          oifname "lo" return
          icmpv6 type 133-137 return
          tcp flags & rst == rst return
          icmp type destination-unreachable return
          icmpv6 type destination-unreachable return
          ip daddr @egress_excluded_4 return
          ip6 daddr @egress_excluded_6 return
          ip daddr @egress_0_4 meta l4proto { 6, 17 } th dport { 5432, 6000-6010 } meta l4proto 6 counter name "egress" reject with tcp reset
          ip daddr @egress_0_4 meta l4proto { 6, 17 } th dport { 5432, 6000-6010 } counter name "egress" reject with icmpx port-unreachable
          ip6 daddr @egress_0_6 meta l4proto { 6, 17 } th dport { 5432, 6000-6010 } meta l4proto 6 counter name "egress" reject with tcp reset
          ip6 daddr @egress_0_6 meta l4proto { 6, 17 } th dport { 5432, 6000-6010 } counter name "egress" reject with icmpx port-unreachable
        }
        chain ingress {
          type filter hook input priority -300; policy accept;
          iifname "lo" return
          icmpv6 type 133-137 return
          tcp flags & rst == rst return
          icmp type destination-unreachable return
          icmpv6 type destination-unreachable return
          ip saddr @ingress_excluded_4 return
          ip6 saddr @ingress_excluded_6 return
          ip saddr @ingress_0_4 meta l4proto { 6, 17 } th sport { 5432, 6000-6010 } meta l4proto 6 counter name "ingress" reject with tcp reset
          ip saddr @ingress_0_4 meta l4proto { 6, 17 } th sport { 5432, 6000-6010 } counter name "ingress" reject with icmpx port-unreachable
          ip6 saddr @ingress_0_6 meta l4proto { 6, 17 } th sport { 5432, 6000-6010 } meta l4proto 6 counter name "ingress" reject with tcp reset
          ip6 saddr @ingress_0_6 meta l4proto { 6, 17 } th sport { 5432, 6000-6010 } counter name "ingress" reject with icmpx port-unreachable
        }
      }
      "
    `);
    expect(made.undo).toEqual([{ kind: 'table', name: 'kubectl_chaos_7f3k2' }]);
    expect(made.affected).toEqual([
      'reject',
      'egress to svc/db (10.96.0.12, fd96::12), tcp and udp, ports 5432 and 6000-6010',
      'ingress from svc/db (10.96.0.12, fd96::12), tcp and udp, ports 5432 and 6000-6010',
    ]);
  });

  test('see what comes in where it comes in', () => {
    const { input } = plan(netFault('--partition --from 10.0.0.0/8 --interface eth0')).apply[0] ?? {};
    expect(input).toContain(
      'type filter hook prerouting priority -300; policy accept;\n    iifname != { "eth0" } return\n',
    );
    expect(input).toContain('counter name "ingress" drop');
  });

  test('drop by tc where there is no nf_tables', () => {
    const made = plan(netFault('--partition --to 10.99.0.2'), answer('trial:nft', '', 1, 'netlink: Error'));
    expect(batchOf(made, 'tc')).toContain('qdisc add dev eth0 parent c4a0:10 handle c4a1: pfifo limit 0');
    expect(made.warnings).toEqual(["the node's kernel has no nf_tables: tc drops instead"]);
  });
});

const liveness: NetworkProbe = {
  ...{ container: 'app', kind: 'liveness', by: 'tcp', port: 5432 },
  ...{ periodSeconds: 10, timeoutSeconds: 1, failureThreshold: 3 },
};

describe('warnings', () => {
  test.each<[string, NetFault, string]>([
    [
      'the node named',
      netFault('--partition --to 192.168.1.10', { nodeIps: ['192.168.1.10'], probes: [liveness] }),
      'may come from 192.168.1.10 (node), which is affected: if it does, the kubelet will restart container app after about 30s',
    ],
    ['the node not known', netFault('--rate 1mbit', { probes: [liveness] }), "the node's addresses are not known"],
    [
      "the node's network",
      netFault('--rate 1mbit --allow-host-network', { hostNetwork: true }),
      "the pod uses the node's own network",
    ],
    [
      'a peer without addresses',
      netFault('--rate 1mbit', { to: [...database, peer('pod/x', [])] }),
      'pod/x has no address',
    ],
    ['UDP', netFault('--partition'), 'fails at once with "operation not permitted"'],
  ])('of %s', (_what, fault, words) => {
    expect(plan(fault).warnings).toContainEqual(expect.stringContaining(words));
  });

  test('of eBPF beside tc', () => {
    const links = answer('links', fixture('links').replaceAll('"veth"', '"netkit"'));
    expect(plan(netFault('--rate 1mbit --interface eth0'), links).warnings[0]).toContain('eth0 is a netkit device');
  });
});

describe('is refused', () => {
  const qdiscs = (...more: object[]) => answer('qdiscs', JSON.stringify([...JSON.parse(fixture('qdiscs')), ...more]));
  const delay = netFault('--delay 5ms --to db.example', {});
  test.each<[why: string, fault: NetFault, change: Answer[], message: string]>([
    [
      "on the node's network",
      netFault('--rate 1mbit', { hostNetwork: true }),
      [],
      "the pod uses the node's own network",
    ],
    [
      'without netem',
      netFault('--delay 5ms'),
      [answer('trial:netem', '', 2, 'Error: Specified qdisc kind is unknown.\n')],
      'delay 5ms cannot be done on this node: its kernel has no sch_netem (Error: Specified qdisc kind is unknown.)',
    ],
    ['without htb', netFault('--rate 1mbit'), [answer('trial:shaper', '', 1)], 'its kernel has no sch_htb and cls_u32'],
    [
      'without ifb',
      netFault('--rate 1mbit --direction ingress'),
      [answer('trial:ifb', '', 2, 'Error: Unknown device type.')],
      'its kernel has no ifb (Error',
    ],
    [
      'without nf_tables',
      netFault('--reject'),
      [answer('trial:nft', '', 1)],
      'reject cannot be done on this node: its kernel has no nf_tables',
    ],
    [
      'beside a foreign qdisc',
      netFault('--rate 1mbit'),
      [qdiscs({ kind: 'fq_codel', handle: '8001:', dev: 'eth0', root: true })],
      'interface eth0 has a root qdisc that is not ours, fq_codel 8001:',
    ],
    [
      'beside a foreign ingress',
      netFault('--rate 1mbit --direction both'),
      [qdiscs({ kind: 'clsact', handle: 'ffff:', dev: 'eth0' })],
      'interface eth0 has an ingress qdisc that is not ours, clsact',
    ],
    [
      'beside another experiment by tc',
      netFault('--partition'),
      [qdiscs({ kind: 'htb', handle: 'c4a0:', dev: 'eth0', root: true })],
      "another experiment already affects this pod's network, or left resources in it: qdisc c4a0: on eth0",
    ],
    [
      'beside another experiment by nft',
      netFault('--rate 1mbit'),
      [answer('tables', 'table ip nat\ntable inet kubectl_chaos_aaaaa\n')],
      "another experiment, chaos-aaaaa, already affects this pod's network",
    ],
    [
      'with a name that nobody knows',
      delay,
      [answer('lookup:db.example', '', 1, 'db.example: Name does not resolve\n')],
      'the target cannot resolve "db.example": db.example: Name does not resolve',
    ],
    [
      'for nobody',
      netFault('--rate 1mbit', { to: [peer('deploy/cache', [])] }),
      [],
      '--to deploy/cache: has no address that could be affected',
    ],
    [
      'for a port that the service has not',
      netFault('--rate 1mbit --port 80', { to: database }),
      [],
      'svc/db has no port 80',
    ],
    [
      'through an interface that is not there',
      netFault('--partition --interface eth9'),
      [],
      'the target has no interface "eth9"',
    ],
    [
      'to where no route leads',
      netFault('--rate 1mbit --to 192.0.2.1'),
      [answer('routes', '')],
      'the target has no route to 192.0.2.1',
    ],
    [
      'by too many filters',
      netFault('--rate 1mbit --port 1-65534', {
        to: [
          peer(
            'pod/x',
            Array.from({ length: 80 }, (_, index) => `10.1.0.${index}`),
          ),
        ],
      }),
      [],
      'this fault needs 4805 filters; the maximum is 4096',
    ],
    [
      'without iproute2',
      netFault('--rate 1mbit'),
      [answer('links', '', 127, 'exec ip: not found')],
      "the target's links could not be read: exec ip: not found",
    ],
  ])('%s', (_why, fault, change, message) => {
    expect(() => plan(fault, ...change)).toThrow(
      expect.objectContaining({
        name: 'ChaosError',
        message: expect.stringContaining(message),
        hint: expect.any(String),
      }),
    );
  });

  test('with nothing changed', () => {
    try {
      plan(netFault('--reject'), answer('trial:nft', '', 1));
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(ChaosError);
      expect(error).toMatchObject({ code: 'target-unsuitable', state: 'nothing was changed', exitCode: 1 });
    }
  });
});

test('questions are asked about nothing that the fault does not need', () => {
  const ids = (flags: string) => questions(netFault(flags)).map(({ id }) => id);
  expect(ids('--rate 1mbit')).toEqual(['links', 'routes', 'qdiscs', 'trial:shaper']);
  expect(ids('--delay 1ms --direction ingress --from db --except db,api')).toEqual([
    ...['links', 'routes', 'qdiscs', 'trial:netem', 'trial:shaper', 'trial:ifb', 'trial:redirect'],
    ...['lookup:db', 'lookup:api'],
  ]);
  expect(ids('--reject')).toEqual(['links', 'routes', 'qdiscs', 'tables', 'trial:nft']);
});

describe('names', () => {
  const fault = netFault('--rate 1mbit --to db.example --port 5432 --protocol tcp --except api.example');
  const lookups = (db: string, api: string) => [answer('lookup:db.example', db), answer('lookup:api.example', api)];
  const first = plan(fault, ...lookups('203.0.113.1\nfd99::7\n', '203.0.113.9\n'));
  const follow = (made: NetPlan, ...answers: Answer[]) =>
    followNames(fault, made, new Map(answers.map((each) => [each.id, each])));

  test('are measured to', () => {
    expect(first.probe).toEqual({ address: '203.0.113.1', port: 5432 });
  });

  test('with the same addresses, or none any more, change nothing', () => {
    expect(follow(first, ...lookups('fd99::7\n', '203.0.113.9\n'))).toEqual({ plan: first, steps: [] });
    expect(follow(first, answer('lookup:db.example', '', 1, 'timed out'))).toEqual({ plan: first, steps: [] });
  });

  test('with new addresses have these affected and excluded as well', () => {
    const { plan: second, steps } = follow(first, ...lookups('203.0.113.2\n', '203.0.113.8\n'));
    expect(steps).toEqual([
      {
        argv: ['tc', '-batch', '-'],
        input:
          'filter add dev eth0 parent c4a0: protocol ip pref 100 u32 match ip dst 203.0.113.8/32 flowid c4a0:\n' +
          'filter add dev eth0 parent c4a0: protocol ip pref 200 u32 match ip dst 203.0.113.2/32 match ip protocol 6 0xff match ip ihl 5 0xf match u16 0 0x1fff at 6 match ip dport 5432 0xffff flowid c4a0:10\n',
      },
    ]);
    expect(second.affected[1]).toContain('db.example (203.0.113.1, fd99::7, 203.0.113.2)');
    expect(follow(second, ...lookups('203.0.113.1\n', '203.0.113.8\n')).steps).toEqual([]);
  });
});
