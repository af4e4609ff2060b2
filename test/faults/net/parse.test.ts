import { expect, test } from 'vitest';
import type { NetRequest } from '../../../src/faults/net/types.ts';
import { netRequest } from './support/fault.ts';

test('everything at once', () => {
  const line =
    '--delay 100ms --jitter 20ms --correlation 25% --distribution normal --loss 2%,25% --corrupt 0.1% --duplicate 1% --reorder 5%,50% --rate 1.5mbit --burst 32Ki --to svc/db,10.0.0.0/8 --to fd00::/8 --from Example.COM --except shop/pod/web-0 --port 8000-8080,80 --port 81 --protocol TCP --interface eth0 --interface net1,eth0 --direction both --allow-host-network';
  expect(netRequest(line)).toEqual({
    fault: 'net',
    shaping: {
      delay: { ms: 100, jitterMs: 20, correlationPercent: 25, distribution: 'normal' },
      loss: { percent: 2, correlationPercent: 25 },
      corruptPercent: 0.1,
      duplicatePercent: 1,
      reorder: { percent: 5, correlationPercent: 50 },
      rate: { bitsPerSecond: 1_500_000, burstBytes: 32_768 },
    },
    to: [
      { kind: 'service', text: 'svc/db', name: 'db', namespace: undefined },
      { kind: 'cidr', text: '10.0.0.0/8', cidr: { family: 4, address: '10.0.0.0', prefix: 8 } },
      { kind: 'cidr', text: 'fd00::/8', cidr: { family: 6, address: 'fd00::', prefix: 8 } },
    ],
    from: [{ kind: 'host', text: 'Example.COM', name: 'example.com' }],
    except: [{ kind: 'pod', text: 'shop/pod/web-0', name: 'web-0', namespace: 'shop' }],
    ports: [
      { from: 80, to: 81 },
      { from: 8000, to: 8080 },
    ],
    protocol: 'tcp',
    interfaces: ['eth0', 'net1'],
    direction: 'both',
    allowHostNetwork: true,
  });
});

test.each<[flags: string, part: Partial<NetRequest>]>([
  ['--delay 1s', { shaping: { delay: { ms: 1_000 } }, direction: 'egress', to: [], ports: [], interfaces: [] }],
  ['--rate 500kbit', { shaping: { rate: { bitsPerSecond: 500_000 } }, allowHostNetwork: false }],
  ['--rate 1Gbit', { shaping: { rate: { bitsPerSecond: 1e9 } } }],
  ['--loss 100%', { shaping: { loss: { percent: 100 } } }],
  ['--loss-model gemodel,1%,10%,70%,0%', { shaping: { loss: { model: ['gemodel', '1%', '10%', '70%', '0%'] } } }],
  ['--delay 5ms --from db', { direction: 'ingress' }],
  ['--delay 5ms --from db --to api', { direction: 'both' }],
  ['--delay 5ms --to api --direction both', { direction: 'both' }],
  ['--partition', { block: 'drop', direction: 'both' }],
  ['--reject --to db', { block: 'reject', direction: 'both' }],
  ['--reject --to db --direction egress', { block: 'reject', direction: 'egress' }],
  ['--partition --port 90,80-89,85-100', { ports: [{ from: 80, to: 100 }] }],
])('%s', (flags, part) => {
  expect(netRequest(flags)).toMatchObject(part);
});

test('a loss model in one word of the shell', () => {
  expect(netRequest(['--loss-model', 'state 1% 20%']).shaping).toEqual({ loss: { model: ['state', '1%', '20%'] } });
});

test.each([
  ['10.0.0.1', { kind: 'cidr', cidr: { family: 4, address: '10.0.0.1', prefix: 32 } }],
  ['0.0.0.0/0', { kind: 'cidr', cidr: { family: 4, address: '0.0.0.0', prefix: 0 } }],
  ['FD00:0:0:0:0:0:0:1', { kind: 'cidr', cidr: { family: 6, address: 'fd00::1', prefix: 128 } }],
  ['db', { kind: 'host', name: 'db' }],
  ['db.shop.svc.cluster.local.', { kind: 'host', name: 'db.shop.svc.cluster.local.' }],
  ['3com.example', { kind: 'host', name: '3com.example' }],
  ['service/db', { kind: 'service', name: 'db', namespace: undefined }],
  ['shop/svc/db', { kind: 'service', name: 'db', namespace: 'shop' }],
  ['pod/web-0.example', { kind: 'pod', name: 'web-0.example', namespace: undefined }],
  ['Deployment.apps/web', { kind: 'deployment', name: 'web' }],
  ['shop/sts/db', { kind: 'statefulset', name: 'db', namespace: 'shop' }],
])('--to %s', (text, query) => {
  expect(netRequest(`--partition --to ${text}`).to).toEqual([expect.objectContaining({ ...query, text })]);
});
