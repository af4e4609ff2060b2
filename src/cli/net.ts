import { usageError } from '../errors.ts';
import { joinRanges } from '../faults/net/ports.ts';
import type { Direction, IpProtocol, NetRequest, PortRange, Shaping } from '../faults/net/types.ts';
import { formatDuration, parseQuantity } from '../units.ts';
import { parsePeer } from './peer.ts';
import { type FlagValues, list, text } from './run-options.ts';
import { choice, duration, percentage, quote, rate } from './values.ts';

/** Flags of `net` as a request. `passedOn` is what stood behind `--`. Throws usage errors only. */
export function toNetRequest(flags: FlagValues, passedOn: readonly string[] | undefined): NetRequest {
  if (passedOn !== undefined) throw usageError('-- : net starts no program in the target, and takes nothing behind it');
  const as = text(flags, 'as');
  if (as === 'root' || as === 'target') {
    throw usageError(
      `--as ${as}: net starts no program in the target; a user of that name is impersonated by --as-user`,
    );
  }
  const shaping = toShaping(flags);
  const block = toBlock(flags);
  if (shaping && block) {
    const [flag] = given(flags, shapingFlags);
    throw usageError(`--${block.flag} and --${flag ?? ''} exclude each other: what does not arrive cannot be shaped`);
  }
  if (!shaping && !block) {
    throw usageError(
      'nothing to do: give --delay, --loss, --loss-model, --corrupt, --duplicate, --rate, --partition or --reject',
    );
  }
  const peers = (name: string) => list(flags, name).map((value) => parsePeer(`--${name}`, value));
  const [to, from] = [peers('to'), peers('from')];
  const protocol = toProtocol(flags);
  const ports = toPorts(flags, protocol);
  return {
    fault: 'net',
    ...(shaping ? { shaping } : {}),
    ...(block ? { block: block.kind } : {}),
    to,
    from,
    except: peers('except'),
    ports,
    ...(protocol ? { protocol } : {}),
    interfaces: toInterfaces(flags),
    direction: toDirection(flags, to.length > 0, from.length > 0, block !== undefined),
    allowHostNetwork: flags.allowHostNetwork === true,
  };
}

const shapingFlags: Readonly<Record<string, string>> = {
  delay: 'delay',
  loss: 'loss',
  lossModel: 'loss-model',
  corrupt: 'corrupt',
  duplicate: 'duplicate',
  reorder: 'reorder',
  rate: 'rate',
};

function given(flags: FlagValues, names: Readonly<Record<string, string>>): string[] {
  return Object.keys(names).flatMap((name) => (flags[name] === undefined ? [] : [names[name] ?? '']));
}

function toBlock(flags: FlagValues): { kind: 'drop' | 'reject'; flag: string } | undefined {
  if (flags.partition === true && flags.reject === true) {
    throw usageError('--partition and --reject exclude each other: a packet is dropped, or answered with an error');
  }
  if (flags.partition === true) return { kind: 'drop', flag: 'partition' };
  return flags.reject === true ? { kind: 'reject', flag: 'reject' } : undefined;
}

function toShaping(flags: FlagValues): Shaping | undefined {
  const delay = toDelay(flags);
  const loss = toLoss(flags);
  const corrupt = text(flags, 'corrupt');
  const duplicate = text(flags, 'duplicate');
  const reorder = text(flags, 'reorder');
  if (reorder !== undefined && !delay) {
    throw usageError('--reorder needs --delay: the packets that are not delayed overtake the others');
  }
  const shaping: Shaping = {
    ...(delay ? { delay } : {}),
    ...(loss ? { loss } : {}),
    ...(corrupt === undefined ? {} : { corruptPercent: percentage('--corrupt', corrupt) }),
    ...(duplicate === undefined ? {} : { duplicatePercent: percentage('--duplicate', duplicate) }),
    ...(reorder === undefined ? {} : { reorder: correlated('--reorder', reorder) }),
    ...toRate(flags),
  };
  return Object.keys(shaping).length > 0 ? shaping : undefined;
}

/** Old kernels keep netem's times in 32 bits of 64 ns, which is 274 s; and no application waits longer for a packet. */
const maxDelayMs = 4 * 60_000;

function toDelay(flags: FlagValues): Shaping['delay'] {
  const delay = text(flags, 'delay');
  const jitter = text(flags, 'jitter');
  const correlation = text(flags, 'correlation');
  const distribution = text(flags, 'distribution');
  if (jitter !== undefined && delay === undefined) throw usageError('--jitter needs --delay');
  if (jitter === undefined) {
    if (correlation !== undefined) throw usageError('--correlation needs --jitter: it is that of the delays');
    if (distribution !== undefined) throw usageError('--distribution needs --jitter: it is that of the delays');
  }
  if (delay === undefined) return undefined;
  const ms = duration('--delay', delay, 1, maxDelayMs, 'ms');
  if (jitter === undefined) return { ms };
  const jitterMs = duration('--jitter', jitter, 1, maxDelayMs, 'ms');
  if (jitterMs > ms) {
    throw usageError(
      `--jitter ${quote(jitter)}: must be at most --delay ${formatDuration(ms)}: no packet can be early`,
    );
  }
  return {
    ms,
    jitterMs,
    ...(correlation === undefined ? {} : { correlationPercent: percentage('--correlation', correlation) }),
    ...(distribution === undefined
      ? {}
      : { distribution: choice('--distribution', distribution, ['normal', 'uniform', 'pareto', 'paretonormal']) }),
  };
}

/** `25%` or `25%,50%`: a percentage, and how much each packet depends on the one before. */
function correlated(flag: string, value: string): { percent: number; correlationPercent?: number } {
  const [percent = '', correlation, ...more] = value.split(',');
  if (more.length > 0) throw usageError(`${flag} ${quote(value)}: not PERCENT or PERCENT,CORRELATION such as 2%,25%`);
  return {
    percent: percentage(flag, percent),
    ...(correlation === undefined ? {} : { correlationPercent: percentage(flag, correlation) }),
  };
}

function toLoss(flags: FlagValues): Shaping['loss'] {
  const loss = text(flags, 'loss');
  const model = text(flags, 'lossModel');
  if (loss !== undefined && model !== undefined) throw usageError('--loss and --loss-model exclude each other');
  if (loss !== undefined) return correlated('--loss', loss);
  return model === undefined ? undefined : { model: lossModel(model) };
}

/** How many percentages follow the name of the model at most; the first is needed. */
const lossModels: Readonly<Record<string, { most: number; grammar: string }>> = {
  gemodel: { most: 4, grammar: 'gemodel P [R [1-H [1-K]]]' },
  state: { most: 5, grammar: 'state P13 [P31 [P32 [P23 [P14]]]]' },
};

function lossModel(value: string): string[] {
  const [name = '', ...percents] = value.trim().split(/[\s,]+/);
  const model = Object.hasOwn(lossModels, name) ? lossModels[name] : undefined;
  if (!model)
    throw usageError(`--loss-model ${quote(value)}: must begin with gemodel or state, such as "gemodel 1% 10%"`);
  if (percents.length === 0 || percents.length > model.most) {
    throw usageError(`--loss-model ${quote(value)}: must be ${model.grammar}, each a percentage`);
  }
  // From the second on, zero is a probability like any other; with the first at zero nothing is ever lost.
  return [
    name,
    ...percents.map((percent, index) => `${percentage('--loss-model', percent, index === 0 ? undefined : 0)}%`),
  ];
}

/** A packet as most networks have it: a smaller bucket would never be full enough to send one. */
const minBurstBytes = 1_500;
/** The kernel keeps a bucket's size as the time that it takes to fill, in 32 bits of 64 ns. */
const maxBurstSeconds = 60;

function toRate(flags: FlagValues): Pick<Shaping, 'rate'> {
  const value = text(flags, 'rate');
  const burst = text(flags, 'burst');
  if (value === undefined) {
    if (burst !== undefined) throw usageError('--burst needs --rate: it is the size of its bucket');
    return {};
  }
  const bitsPerSecond = rate('--rate', value);
  if (burst === undefined) return { rate: { bitsPerSecond } };
  const burstBytes = parseQuantity(burst);
  if (burstBytes === undefined) throw usageError(`--burst ${quote(burst)}: not a size in bytes such as 32Ki or 1M`);
  if (burstBytes < minBurstBytes) {
    throw usageError(`--burst ${quote(burst)}: must be at least ${minBurstBytes} bytes, the size of a packet`);
  }
  if (burstBytes * 8 > bitsPerSecond * maxBurstSeconds || burstBytes > 2 ** 31) {
    throw usageError(`--burst ${quote(burst)}: must be at most what --rate ${value} sends in a minute, and 2Gi`);
  }
  return { rate: { bitsPerSecond, burstBytes: Math.floor(burstBytes) } };
}

function toProtocol(flags: FlagValues): IpProtocol | undefined {
  const protocol = text(flags, 'protocol');
  return protocol === undefined
    ? undefined
    : choice<IpProtocol>('--protocol', protocol.toLowerCase(), ['tcp', 'udp', 'icmp']);
}

function toPorts(flags: FlagValues, protocol: IpProtocol | undefined): PortRange[] {
  const ranges = list(flags, 'port').map(portRange);
  if (ranges.length > 0 && protocol === 'icmp')
    throw usageError('--port and --protocol icmp exclude each other: ICMP has no ports');
  return joinRanges(ranges);
}

function portRange(value: string): PortRange {
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(value) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (!(from >= 1 && to <= 65_535)) {
    throw usageError(`--port ${quote(value)}: must be a number from 1 to 65535, or a range such as 8000-8080`);
  }
  if (from > to) throw usageError(`--port ${quote(value)}: ends before it begins; did you mean ${to}-${from}?`);
  return { from, to };
}

function toInterfaces(flags: FlagValues): string[] {
  const names = list(flags, 'interface');
  // The kernel takes more characters, which tc and nft would read as words of their own.
  const wrong = names.find((name) => !/^[\w.@+-]{1,15}$/.test(name));
  if (wrong !== undefined)
    throw usageError(`--interface ${quote(wrong)}: not the name of a network interface such as eth0`);
  return [...new Set(names)];
}

function toDirection(flags: FlagValues, hasTo: boolean, hasFrom: boolean, blocks: boolean): Direction {
  const value = text(flags, 'direction');
  if (value === undefined) return blocks || (hasTo && hasFrom) ? 'both' : hasFrom ? 'ingress' : 'egress';
  const direction = choice('--direction', value, ['egress', 'ingress', 'both']);
  if (direction === 'egress' && hasFrom) {
    throw usageError('--direction egress has no use for --from: what the target sends is told by --to');
  }
  if (direction === 'ingress' && hasTo) {
    throw usageError('--direction ingress has no use for --to: what the target receives is told by --from');
  }
  return direction;
}
