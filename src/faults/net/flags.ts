import { list, oneOf, percent, text, time, toggle, valued } from '../../flags/flag.ts';
import { groups } from '../../flags/groups.ts';
import { choice } from '../../flags/values.ts';
import { rate } from './rate.ts';
import type { IpProtocol } from './types.ts';

const { fault: group } = groups;
const packets = 'Packets:';
const protocols: readonly IpProtocol[] = ['tcp', 'udp', 'icmp'];

/** Old kernels keep netem's times in 32 bits of 64 ns, which is 274 s; and no application waits longer for a packet. */
const delays = { min: 1, max: 4 * 60_000, unit: 'ms' } as const;

/** The flags of `net` alone. */
export const flags = {
  delay: time({
    name: '--delay',
    value: 'time',
    group,
    help: 'delay each packet by this much, at most {max}',
    ...delays,
  }),
  jitter: time({
    name: '--jitter',
    value: 'time',
    group,
    help: 'vary the delay by up to this much (default: 0)',
    ...delays,
  }),
  correlation: percent({
    ...{ name: '--correlation', value: 'percent', group },
    help: "how much each packet's delay depends on the one before (default: 0)",
  }),
  distribution: oneOf({
    ...{ name: '--distribution', value: 'name', group },
    help: 'of the jitter: {choices} (default: uniform)',
    choices: ['normal', 'uniform', 'pareto', 'paretonormal'],
  }),
  loss: text({
    name: '--loss',
    value: 'percent',
    group,
    help: 'drop this share of the packets: 2%, or with a correlation 2%,25%',
  }),
  lossModel: text({
    ...{ name: '--loss-model', value: 'words', group },
    help: 'netem loss model: gemodel P [R [1-H [1-K]]], or state P13 [P31 …]',
  }),
  corrupt: percent({ name: '--corrupt', value: 'percent', group, help: 'flip one bit in this share of the packets' }),
  duplicate: percent({ name: '--duplicate', value: 'percent', group, help: 'send this share of the packets twice' }),
  reorder: text({
    ...{ name: '--reorder', value: 'percent', group },
    help: 'let this share overtake the delayed ones: 25%, with correlation 25%,50%',
  }),
  rate: valued(
    { name: '--rate', value: 'rate', group, help: 'limit to this many bits per second: 500kbit, 1mbit, 1gbit' },
    rate,
  ),
  burst: text({
    ...{ name: '--burst', value: 'size', group },
    help: 'token bucket for --rate: 32Ki (default: what the rate sends in 10ms)',
  }),
  partition: toggle({ name: '--partition', group, help: 'drop packets' }),
  reject: toggle({ name: '--reject', group, help: 'refuse connections at once instead of dropping packets' }),
  to: list({
    ...{ name: '--to', value: 'peer', group: packets, names: 'peer' },
    help: 'only to: CIDR, IP, host name, svc/NAME, pod/NAME, deploy/NAME; repeatable',
  }),
  from: list({
    ...{ name: '--from', value: 'peer', group: packets, names: 'peer' },
    help: 'only packets from this peer, named in the same ways; repeatable',
  }),
  except: list({
    ...{ name: '--except', value: 'peer', group: packets, names: 'peer' },
    help: 'exclude this peer; repeatable',
  }),
  port: list({
    ...{ name: '--port', value: 'ports', group: packets },
    help: "the server's ports: 80,8000-8080 (--to: the peer's, --from: the target's)",
  }),
  protocol: valued(
    { name: '--protocol', value: 'name', group: packets, help: 'tcp, udp or icmp (default: all)', choices: protocols },
    (name, value) => choice(name, value.toLowerCase(), protocols),
  ),
  interface: list({
    ...{ name: '--interface', value: 'name', group: packets },
    help: 'only this interface; repeatable (default: those that lead to the peers)',
  }),
  direction: oneOf({
    ...{ name: '--direction', value: 'name', group: packets },
    help: '{choices} (default: by --to, --from and the fault)',
    choices: ['egress', 'ingress', 'both'],
  }),
  allowHostNetwork: toggle({
    ...{ name: '--allow-host-network', group: packets, isNeverHinted: true, isAllowance: true },
    help: "allow a pod that uses its node's network (affects the node)",
  }),
};
