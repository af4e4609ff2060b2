import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { followNames } from '../../../src/faults/net/names.ts';
import { planNet } from '../../../src/faults/net/plan.ts';
import { questions } from '../../../src/faults/net/questions.ts';
import type { Answer, NetFault, NetPlan } from '../../../src/faults/net/types.ts';
import { answer, netFault } from './support/fault.ts';
import type { Talk } from './support/speaker.ts';
import { obstacle, Wire } from './support/wire.ts';

/** The plans, carried out by the real tc, nft and ip in namespaces of our own, and tried with real packets. */

const reason = obstacle();
if (reason !== undefined && process.env.CI === 'true') throw new Error(`must be tried where CI is set, and ${reason}`);

const ports = [53, 80, 5432, 5440, 8080];
const [a4, a6, b4, b6, c4, c6] = ['10.99.0.1', 'fd99::1', '10.99.0.2', 'fd99::2', '10.99.0.3', 'fd99::3'];

/** Conversations by name: `>` from the target, `<` to the target; all are tried under every fault. */
const talks: Readonly<Record<string, Talk & { by: 'target' | 'neighbour' }>> = {
  'tcp >b4 5432': { by: 'target', protocol: 'tcp', host: b4, port: 5432 },
  'tcp >b4 5440': { by: 'target', protocol: 'tcp', host: b4, port: 5440 },
  'tcp >b4 80': { by: 'target', protocol: 'tcp', host: b4, port: 80 },
  'udp >b4 53': { by: 'target', protocol: 'udp', host: b4, port: 53 },
  'tcp >b6 5432': { by: 'target', protocol: 'tcp', host: b6, port: 5432 },
  'udp >b6 53': { by: 'target', protocol: 'udp', host: b6, port: 53 },
  'tcp >c4 5432': { by: 'target', protocol: 'tcp', host: c4, port: 5432 },
  'tcp >c6 5432': { by: 'target', protocol: 'tcp', host: c6, port: 5432 },
  // Nobody is there: the answer is an ICMP error.
  'icmp >b4': { by: 'target', protocol: 'udp', host: b4, port: 9 },
  'icmp >b6': { by: 'target', protocol: 'udp', host: b6, port: 9 },
  'tcp <a4 8080': { by: 'neighbour', protocol: 'tcp', host: a4, port: 8080, from: b4 },
  'tcp <a4 80': { by: 'neighbour', protocol: 'tcp', host: a4, port: 80, from: b4 },
  'udp <a4 53': { by: 'neighbour', protocol: 'udp', host: a4, port: 53, from: b4 },
  'tcp <a6 8080': { by: 'neighbour', protocol: 'tcp', host: a6, port: 8080, from: b6 },
};

describe.skipIf(reason !== undefined)(`on a wire${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let wire: Wire;
  beforeAll(async () => {
    const at = (address: string) => `${address}/${address.includes(':') ? 64 : 24}`;
    wire = await Wire.make({ target: [a4, a6].map(at), neighbour: [b4, b6, c4, c6].map(at) }, '10.99.0.254', ports);
    // A link that has just come up is not ready for IPv6 at once.
    await breaks({});
  });
  afterAll(() => wire?.close());

  function plan(fault: NetFault, change: readonly Answer[] = []): NetPlan {
    const answers = wire.ask(questions(fault).filter(({ verb }) => verb !== 'lookup'));
    for (const other of change) answers.set(other.id, other);
    return planNet(fault, answers, 'chaos-7f3k2', '');
  }

  /** Names of the conversations with another outcome than `answered`, and that outcome. */
  async function broken(): Promise<Record<string, string>> {
    const spoken = await Promise.all(
      Object.entries(talks).map(async ([name, { by, ...talk }]) => {
        const { outcome } = await wire[by].speak(talk);
        // Of a port where nobody is, the answer is an error.
        return [name, name.startsWith('icmp') && outcome === 'ECONNREFUSED' ? 'answered' : outcome] as const;
      }),
    );
    return Object.fromEntries(spoken.filter(([, outcome]) => outcome !== 'answered'));
  }

  /** That is what comes out. On a machine that is busy an answer may be too late to be one, but not again and again. */
  const comesOut = (seen: () => Promise<unknown>, expected: unknown): Promise<void> =>
    vi.waitFor(async () => expect(await seen()).toEqual(expected), { timeout: 20_000, interval: 0 });
  const breaks = (outcomes: Readonly<Record<string, string>>) => comesOut(broken, outcomes);
  const breaksAll = (names: readonly string[]) => comesOut(async () => Object.keys(await broken()), names);

  const withoutNft = answer('trial:nft', '', 1, 'Error: Could not process rule: Operation not supported');
  const all = Object.keys(talks);
  const those = (pattern: RegExp) => all.filter((name) => pattern.test(name));

  describe.each([
    ['nft', []],
    ['tc', [withoutNft]],
  ] as const)('partition by %s', (_tool, change) => {
    test.each<[flags: string, hit: string[]]>([
      ['', all],
      [`--to ${b4}`, those(/[>]b4|<a4/)],
      [`--to ${c4},${c6}`, those(/>c/)],
      [`--to ${b4} --direction egress`, those(/>b4|<a4/)],
      ['--to fd99::/64', those(/>.6|<a6/)],
      [`--to ${b4} --port 5432`, those(/>b4 5432/)],
      ['--port 5432-5440', those(/54/)],
      ['--port 80,8080', those(/80/)],
      ['--port 53 --protocol tcp', []],
      ['--port 53 --protocol udp', those(/udp/)],
      ['--protocol udp --direction egress', those(/udp|icmp/)],
      ['--protocol icmp', those(/icmp/)],
      ['--protocol icmp --direction ingress', those(/icmp/)],
      [`--from ${b4} --port 8080`, those(/<a4 8080/)],
      ['--from fd99::/64 --port 8080 --direction ingress', those(/<a6 8080/)],
      ['--to 10.99.0.0/24 --except 10.99.0.3', those(/>b4|<a4/)],
      [`--from ${b4} --to ${c6}`, those(/>b4|<a4|>c6/)],
      ['--interface eth0 --to fd99::/64', those(/>.6|<a6/)],
    ])('%s', async (flags, hit) => {
      const fault = netFault(`--partition ${flags}`.trim());
      const made = plan(fault, change);
      let dropped = 0;
      const differs = await wire.during(made, async () => {
        await breaksAll(hit);
        dropped = wire.counters(fault, made)?.dropped ?? -1;
      });
      expect(dropped > 0).toBe(hit.length > 0);
      expect(differs).toEqual([]);
    });

    test('the node is excluded, unless it is named', async () => {
      const surroundings = { nodeIps: [c4, c6] };
      const excluded = netFault('--partition', surroundings);
      await wire.during(plan(excluded, change), async () => {
        await breaksAll(all.filter((name) => !/>c/.test(name)));
      });
      const named = netFault(`--partition --to ${c4}`, surroundings);
      await wire.during(plan(named, change), async () => {
        await breaksAll(those(/>c4/));
      });
    });

    test('a name that gets another address is followed', async () => {
      const fault = netFault('--partition --to db.example --port 5432');
      const first = plan(fault, [...change, answer('lookup:db.example', `${b4}\n${b6}\n`)]);
      await wire.during(first, async () => {
        await breaksAll(those(/>b. 5432/));
        const answers = (stdout: string) => new Map([['lookup:db.example', answer('lookup:db.example', stdout)]]);
        expect(followNames(fault, first, answers(`${b6}\n`)).steps).toEqual([]);
        const { plan: second, steps } = followNames(fault, first, answers(`${c4}\n${c6}\n`));
        for (const step of steps) wire.must(step);
        await breaksAll(those(/>.. 5432/));
        expect(followNames(fault, second, answers(`${b4}\n${c6}\n`)).steps).toEqual([]);
      });
    });
  });

  test.each<[flags: string, outcomes: Record<string, string>]>([
    [
      `--to ${b4},${b6} --direction egress`,
      {
        ...Object.fromEntries(those(/^tcp >b/).map((name) => [name, 'ECONNREFUSED'])),
        ...Object.fromEntries(those(/^udp >b|icmp/).map((name) => [name, 'EPERM'])),
        // The target's answers are rejected, which the target is told.
        ...Object.fromEntries(those(/<a/).map((name) => [name, 'silent'])),
      },
    ],
    [
      `--from ${b4},${b6}`,
      {
        ...Object.fromEntries(those(/^tcp >b|<a/).map((name) => [name, 'ECONNREFUSED'])),
        ...Object.fromEntries(those(/^udp >b|icmp/).map((name) => [name, 'EPERM'])),
      },
    ],
    [`--to ${c4} --port 5432`, { 'tcp >c4 5432': 'ECONNREFUSED' }],
    [
      `--protocol tcp --port 8080 --direction ingress`,
      { 'tcp <a4 8080': 'ECONNREFUSED', 'tcp <a6 8080': 'ECONNREFUSED' },
    ],
  ])('reject %s', async (flags, outcomes) => {
    const fault = netFault(`--reject ${flags}`);
    const differs = await wire.during(plan(fault), () => breaks(outcomes));
    expect(differs).toEqual([]);
  });

  test('where there is no nf_tables nothing can be rejected', () => {
    expect(() => plan(netFault('--reject'), [withoutNft])).toThrow('its kernel has no nf_tables');
  });

  /** Milliseconds that half a megabyte takes. */
  async function transfer(direction: 'sent' | 'received', host: string): Promise<number> {
    const size = 500_000;
    const talk: Talk = {
      protocol: 'tcp',
      host,
      port: 5432,
      send: direction === 'sent' ? size : 0,
      receive: direction === 'sent' ? 1 : size,
    };
    const { outcome, ms } = await wire.target.speak(talk);
    expect(outcome).toBe('answered');
    return ms;
  }

  test.each([
    ['egress', 'sent', b4],
    ['ingress', 'received', b6],
  ] as const)('a rate on %s', async (direction, way, host) => {
    const fault = netFault(`--rate 2mbit --direction ${direction} --${direction === 'egress' ? 'to' : 'from'} ${host}`);
    const made = plan(fault);
    const differs = await wire.during(made, async () => {
      // Two seconds at a quarter of a megabyte a second, less what the bucket lets through at once.
      expect(await transfer(way, host)).toBeGreaterThan(1_600);
      expect(await transfer(way === 'sent' ? 'received' : 'sent', host)).toBeLessThan(1_600);
      expect(await transfer(way, host === b4 ? c4 : c6)).toBeLessThan(1_600);
      const counters = wire.counters(fault, made);
      expect(counters?.bytes).toBeGreaterThan(500_000);
      expect(counters?.throttled).toBeGreaterThan(0);
    });
    expect(differs).toEqual([]);
  });

  test.each(['egress', 'ingress', 'both'])('a device without a queue has none afterwards: %s', async (direction) => {
    wire.must({ argv: ['ip', 'link', 'set', 'eth0', 'txqueuelen', '0'] });
    try {
      const made = plan(netFault(`--rate 8mbit --direction ${direction}`));
      expect(await wire.during(made, () => breaks({}))).toEqual([]);
      expect(wire.run({ argv: ['ip', '-o', 'link', 'show', 'eth0'] }).stdout).not.toContain('qlen');
    } finally {
      wire.must({ argv: ['ip', 'link', 'set', 'eth0', 'txqueuelen', '1000'] });
    }
  });

  test('a delay, where the kernel has netem; else its refusal', async () => {
    const fault = netFault(`--delay 50ms --jitter 5ms --loss 1%,25% --to ${b4} --port 5432`);
    if (wire.ask(questions(fault)).get('trial:netem')?.exitCode === 0) {
      await wire.during(plan(fault), async () => {
        expect(
          (await wire.target.speak({ protocol: 'tcp', host: b4, port: 5432, send: 1, receive: 1 })).ms,
        ).toBeGreaterThan(80);
      });
    } else {
      expect(() => plan(fault)).toThrow('its kernel has no sch_netem');
    }
  });

  test('what somebody else has set up is neither replaced nor joined', () => {
    wire.must({
      argv: [
        'tc',
        'qdisc',
        'add',
        'dev',
        'eth0',
        'root',
        'handle',
        '1:',
        'tbf',
        'rate',
        '1gbit',
        'burst',
        '1m',
        'latency',
        '1s',
      ],
    });
    try {
      expect(() => plan(netFault('--rate 1mbit'))).toThrow('interface eth0 has a root qdisc that is not ours, tbf 1:');
      expect(plan(netFault('--partition')).undo).toEqual([{ kind: 'table', name: 'kubectl_chaos_7f3k2' }]);
    } finally {
      wire.must({ argv: ['tc', 'qdisc', 'del', 'dev', 'eth0', 'root'] });
    }
  });

  test('as many filters as are allowed are applied', async () => {
    const fault = netFault([
      '--partition',
      '--direction',
      'egress',
      '--to',
      Array.from({ length: 4_092 }, (_, index) => `10.1.${index >> 8}.${index & 255}`).join(','),
    ]);
    const made = plan(fault, [withoutNft]);
    const differs = await wire.during(made, async () => {
      const { stdout } = wire.run({ argv: ['tc', 'filter', 'show', 'dev', 'eth0'] });
      expect(stdout.split('flowid c4a0:10').length - 1).toBe(4_092);
      await breaks({});
    });
    expect(differs).toEqual([]);
  });
});
