import { describe, expect, test } from 'vitest';
import { countersThere, readCounters, readRoundTrip } from '../../../src/faults/net/counters.ts';
import { describeNet } from '../../../src/faults/net/describe.ts';
import type { NetCounters, NetFault, NetObservation } from '../../../src/faults/net/types.ts';
import { judgeNet } from '../../../src/faults/net/verdict.ts';
import { answer, fixture, netFault, netRequest } from './support/fault.ts';

test.each([
  [
    '--delay 100ms --jitter 20ms --loss 2% --to svc/db --port 5432',
    'delay 100ms ±20ms and 2% loss on egress to svc/db port 5432',
  ],
  ['--rate 1.5mbit --direction both', 'rate 1.5mbit on egress and ingress'],
  [
    '--partition --from 10.0.0.0/8 --to deploy/cache',
    'partition on egress and ingress to deploy/cache from 10.0.0.0/8',
  ],
  [
    '--reject --to a,b --except c --protocol tcp --port 1-3,9 --interface eth0',
    'reject on egress and ingress to a and b tcp port 1-3 and 9 through eth0 except c',
  ],
  [
    '--delay 1s --corrupt 1% --duplicate 2% --reorder 3% --rate 999999bit',
    'delay 1s, 1% corruption, 2% duplication, 3% reordering and rate 1mbit on egress',
  ],
  ['--loss-model gemodel,1%', 'loss by gemodel 1% on egress'],
])('%s: %s', (flags, sentence) => {
  expect(describeNet(netRequest(flags))).toBe(sentence);
});

describe('counters', () => {
  const counters = (flags: string, text: string, exitCode = 0) =>
    readCounters(netFault(flags), new Map([['counters', answer('counters', text, exitCode)]]));

  test('of tc are those of our leaves', () => {
    expect(counters('--rate 8mbit', fixture('counters-tc'))).toEqual({
      packets: 2_163,
      bytes: 3_142_816,
      passedBytes: 3_142_816,
      dropped: 0,
      throttled: 80,
      elapsedUs: 1_000_000,
    });
    expect(counters('--rate 8mbit --delay 1ms', fixture('counters-tc'))).not.toHaveProperty('throttled');
  });

  test('of what is dropped and what waits are counted as affected', () => {
    const leaf = {
      kind: 'netem',
      handle: 'c4a1:',
      dev: 'eth0',
      bytes: 900,
      packets: 9,
      drops: 2,
      qlen: 3,
      backlog: 300,
    };
    expect(counters('--delay 1s', JSON.stringify([leaf]))).toEqual({
      packets: 14,
      bytes: 1_200,
      passedBytes: 900,
      dropped: 2,
      elapsedUs: 1_000_000,
    });
  });

  test('of nft are dropped', () => {
    expect(counters('--partition', fixture('counters-nft'))).toEqual({
      packets: 1,
      bytes: 60,
      dropped: 1,
      elapsedUs: 1_000_000,
    });
  });

  test.each(['', '[]', '{}', 'Error', '{"nftables":[]}'])('are not there in %j', (text) => {
    expect(counters('--partition', text)).toBeUndefined();
  });

  test.each<[what: string, text: string, exitCode: number, stderr: string, there: number | undefined]>([
    ['the queues of tc', fixture('counters-tc'), 0, '', 2],
    ['a network without them', '[{"kind":"noqueue","handle":"0:","dev":"eth0"}]', 0, '', 0],
    ['a network without any', '[]', 0, '', 0],
    ['the rules of nft', fixture('counters-nft'), 0, '', 2],
    ['a table without rules', '{"nftables":[{"metainfo":{}}]}', 0, '', 0],
    ['a table that is not there', '', 1, 'Error: No such file or directory\nlist counters table inet x', 0],
    ['a failure', '', 1, 'Error: Operation not permitted', undefined],
    ['a question whose time ran out', '', 124, '', undefined],
    ['no answer that can be read', 'Error', 0, '', undefined],
  ])('are there or not in %s', (_what, text, exitCode, stderr, there) => {
    expect(countersThere(answer('counters', text, exitCode, stderr))).toBe(there);
  });

  test('are not read of a failure', () => {
    expect(counters('--partition', fixture('counters-nft'), 1)).toBeUndefined();
  });
});

test('round trips', () => {
  expect(readRoundTrip(answer('x', '312\n'))).toEqual({ us: 312 });
  expect(readRoundTrip(answer('x', '', 1, 'timed out'))).toEqual({ us: undefined });
});

const counted = (packets: number, dropped = 0, change: Partial<NetCounters> = {}): NetCounters => ({
  packets,
  dropped,
  bytes: packets * 1_000,
  elapsedUs: 1e6,
  ...change,
});
const ms = (...values: Array<number | undefined>) =>
  values.map((value) => ({ us: value === undefined ? undefined : value * 1_000 }));

describe('the verdict', () => {
  const db = '--to db --port 5432';
  test.each<[what: string, fault: NetFault, seen: Partial<NetObservation>, effective: boolean, sentence: string]>([
    [
      'not counted',
      netFault('--partition'),
      {},
      false,
      'Affected packets were not counted: the run was too short, or its counters could not be read',
    ],
    [
      'removed by somebody else',
      netFault('--partition'),
      { counters: [counted(90, 90), counted(200, 200)], removedAfterMs: 12_040 },
      false,
      "Somebody else has removed the fault from the target's network after 12s: 200 packets affected until then",
    ],
    [
      'nothing affected',
      netFault(`--delay 5ms ${db}`),
      { counters: [counted(0)] },
      false,
      'No packet matched: is 5432 the port?',
    ],
    [
      'nothing affected of several ports',
      netFault('--partition --port 80,90'),
      { counters: [counted(0)] },
      false,
      'No packet matched: are 80 and 90 the ports?',
    ],
    [
      'nothing affected of a peer',
      netFault('--partition --to db'),
      { counters: [counted(0)] },
      false,
      'No packet matched: does the target talk to db?',
    ],
    [
      'nothing affected at all',
      netFault('--partition'),
      { counters: [counted(0)] },
      false,
      'No packet matched: does the target use its network?',
    ],
    [
      'only our own packets affected',
      netFault(`--delay 5ms ${db}`),
      { counters: [counted(6)], roundTripsDuring: ms(5, 5) },
      false,
      "No packet of the target's matched: the 6 packets that did are from measuring the round trip; is 5432 the port?",
    ],
    [
      'a partition that only our SYN and its repetition met',
      netFault(`--partition ${db}`),
      { counters: [counted(2, 2)], roundTripsDuring: [{ us: undefined }] },
      false,
      "No packet of the target's matched: the 2 packets that did are from measuring the round trip; is 5432 the port?",
    ],
    [
      'a partition that the target met',
      netFault(`--partition ${db}`),
      { counters: [counted(9, 9)], roundTripsDuring: [{ us: undefined }] },
      true,
      'Asked for a partition: 9 packets dropped',
    ],
    [
      'a partition',
      netFault('--partition'),
      { counters: [counted(34, 34)] },
      true,
      'Asked for a partition: 34 packets dropped',
    ],
    [
      'a rejection',
      netFault('--reject'),
      { counters: [counted(1, 1)] },
      true,
      'Asked to reject: 1 packet answered with an error',
    ],
    [
      'a delay',
      netFault(`--delay 100ms ${db}`),
      {
        counters: [counted(1_204)],
        roundTripsBefore: ms(0.2, 0.3, 9),
        roundTripsDuring: ms(101, 101.4, 150, undefined),
      },
      true,
      'Asked for 100ms: measured 101ms more over 3 round trips (0.3ms before, 101ms under it); 1,204 packets affected',
    ],
    [
      'a delay that is none',
      netFault(`--delay 100ms ${db}`),
      { counters: [counted(99)], roundTripsBefore: ms(0.2), roundTripsDuring: ms(0.2, 0.3) },
      false,
      'Asked for 100ms: measured 0ms more over 2 round trips (0.2ms before, 0.2ms under it); 99 packets affected',
    ],
    [
      'a delay each way',
      netFault(`--delay 100ms --jitter 10ms ${db} --direction both`),
      { counters: [counted(99)], roundTripsBefore: ms(1), roundTripsDuring: ms(190) },
      true,
      'Asked for 100ms ±10ms each way: measured 189ms more over 1 round trip (1ms before, 190ms under it); 99 packets affected',
    ],
    [
      'a delay longer than we wait',
      netFault(`--delay 3s ${db}`),
      { counters: [counted(99)], roundTripsBefore: ms(1), roundTripsDuring: ms(undefined) },
      true,
      'Asked for 3s: 1ms round trip before, none within a second under it; 99 packets affected',
    ],
    [
      'a delay without a peer',
      netFault('--delay 3s'),
      { counters: [counted(1)] },
      true,
      'Asked for 3s: 1 packet affected, no peer was known to measure the round trip to',
    ],
    [
      'loss',
      netFault('--loss 2%'),
      { counters: [counted(1_204, 25)] },
      true,
      'Asked for 2% loss: 2.1% of 1,204 packets dropped',
    ],
    [
      'loss of too few',
      netFault('--loss 2%'),
      { counters: [counted(12)] },
      true,
      'Asked for 2% loss: 0% of 12 packets dropped, too few to expect a loss',
    ],
    [
      'no loss of many',
      netFault('--loss-model gemodel,2%'),
      { counters: [counted(12_000)] },
      false,
      'Asked for loss by gemodel 2%: 0% of 12,000 packets dropped',
    ],
    [
      'corruption',
      netFault('--corrupt 1%'),
      { counters: [counted(12)] },
      true,
      'Asked for 1% corruption: 12 packets went through the fault; the kernel does not count which ones it changed',
    ],
    [
      'a rate that limits',
      netFault('--rate 1mbit'),
      { counters: [counted(0, 0, { elapsedUs: 0 }), counted(121, 3, { bytes: 121_000 })] },
      true,
      'Asked for at most 1mbit: 968kbit was the most in a second, 3 of 121 packets dropped',
    ],
    [
      'a rate that made some wait',
      netFault('--rate 1mbit'),
      { counters: [counted(2, 0, { throttled: 1 })] },
      true,
      'Asked for at most 1mbit: 0bit was the most in a second, 0 of 2 packets dropped',
    ],
    [
      'a rate, of which the last read came a moment after the one before',
      netFault('--rate 8kbit --direction both'),
      {
        counters: [
          counted(0, 0, { elapsedUs: 0 }),
          counted(1, 0, { elapsedUs: 1_000_000, passedBytes: 1_000 }),
          counted(3, 0, { elapsedUs: 1_010_000, passedBytes: 2_000, bytes: 90_000 }),
        ],
      },
      true,
      'Asked for at most 8kbit each way: 8kbit both ways together was the most in a second, 0 of 3 packets dropped',
    ],
    [
      'a rate that nobody came near',
      netFault('--rate 1gbit'),
      { counters: [counted(0, 0, { elapsedUs: 0 }), counted(2, 0, { throttled: 0 })] },
      false,
      "Asked for at most 1gbit: 16kbit was the most in a second: the target's traffic stayed below the limit",
    ],
  ])('%s', (_what, fault, seen, effective, sentence) => {
    expect(judgeNet(fault, { counters: [], roundTripsBefore: [], roundTripsDuring: [], differs: [], ...seen })).toEqual(
      {
        effective,
        proofs: [{ what: 'net', effective, sentence }],
      },
    );
  });

  test('what netem loses by order is no sign of a limit', () => {
    const fault = netFault('--rate 1gbit --loss 50%');
    const seen = { counters: [counted(1_000, 490)], roundTripsBefore: [], roundTripsDuring: [], differs: [] };
    expect(judgeNet(fault, seen)).toMatchObject({
      effective: false,
      proofs: [{ effective: true }, { effective: false }],
    });
  });

  test('of several effects needs all of them', () => {
    const fault = netFault(`--delay 100ms --loss 50% ${db}`);
    const seen = { counters: [counted(1_000, 490)], roundTripsBefore: ms(1), roundTripsDuring: ms(2), differs: [] };
    expect(judgeNet(fault, seen)).toMatchObject({
      effective: false,
      proofs: [{ effective: false }, { effective: true }],
    });
  });
});
