import { usageError } from '../../errors.ts';
import { type Flag, type FlagValues, isGiven } from '../../flags/flag.ts';
import { percentage, quote } from '../../flags/values.ts';
import { formatDuration, parseQuantity } from '../../units.ts';
import { flags } from './flags.ts';
import { parsePeer } from './peer-query.ts';
import { joinRanges } from './ports.ts';
import type { Direction, IpProtocol, NetRequest, PortRange, Shaping } from './types.ts';

/** Flags of `net` as a request. `passedOn` is what stood behind `--`. Throws usage errors only. */
export function toNetRequest(values: FlagValues, passedOn: readonly string[] | undefined): NetRequest {
  if (passedOn !== undefined) throw usageError('net takes no arguments after "--": it runs no program in the target');
  const shaping = toShaping(values);
  const block = toBlock(values);
  if (shaping && block) {
    const flag = shapingFlags.find((one) => isGiven(one, values));
    throw usageError(
      `${block.flag} and ${flag?.name} are mutually exclusive: packets that are dropped or rejected cannot be shaped`,
    );
  }
  if (!shaping && !block) {
    throw usageError(
      'no fault specified: use --delay, --loss, --loss-model, --corrupt, --duplicate, --rate, --partition or --reject',
    );
  }
  const peers = (flag: Flag<string[]>) => flag.read(values).map((value) => parsePeer(flag.name, value));
  const [to, from] = [peers(flags.to), peers(flags.from)];
  const protocol = flags.protocol.read(values);
  const ports = toPorts(values, protocol);
  return {
    fault: 'net',
    ...(shaping ? { shaping } : {}),
    ...(block ? { block: block.kind } : {}),
    to,
    from,
    except: peers(flags.except),
    ports,
    ...(protocol ? { protocol } : {}),
    interfaces: toInterfaces(values),
    direction: toDirection(values, to.length > 0, from.length > 0, block !== undefined),
    allowHostNetwork: flags.allowHostNetwork.read(values),
  };
}

const { delay, loss, lossModel, corrupt, duplicate, reorder, rate } = flags;
const shapingFlags: readonly Flag[] = [delay, loss, lossModel, corrupt, duplicate, reorder, rate];

function toBlock(values: FlagValues): { kind: 'drop' | 'reject'; flag: string } | undefined {
  const { partition, reject } = flags;
  if (partition.read(values) && reject.read(values)) {
    throw usageError('--partition and --reject are mutually exclusive: packets are either dropped or rejected');
  }
  if (partition.read(values)) return { kind: 'drop', flag: partition.name };
  return reject.read(values) ? { kind: 'reject', flag: reject.name } : undefined;
}

function toShaping(values: FlagValues): Shaping | undefined {
  const delay = toDelay(values);
  const loss = toLoss(values);
  const reorder = flags.reorder.read(values);
  if (reorder !== undefined && !delay) {
    throw usageError('--reorder requires --delay: packets that are not delayed overtake the others');
  }
  const corruptPercent = flags.corrupt.read(values);
  const duplicatePercent = flags.duplicate.read(values);
  const shaping: Shaping = {
    ...(delay ? { delay } : {}),
    ...(loss ? { loss } : {}),
    ...(corruptPercent === undefined ? {} : { corruptPercent }),
    ...(duplicatePercent === undefined ? {} : { duplicatePercent }),
    ...(reorder === undefined ? {} : { reorder: correlated('--reorder', reorder) }),
    ...toRate(values),
  };
  return Object.keys(shaping).length > 0 ? shaping : undefined;
}

function toDelay(values: FlagValues): Shaping['delay'] {
  const given = (flag: Flag) => isGiven(flag, values);
  if (given(flags.jitter) && !given(flags.delay)) throw usageError('--jitter requires --delay');
  if (!given(flags.jitter)) {
    for (const flag of [flags.correlation, flags.distribution]) {
      if (given(flag)) throw usageError(`${flag.name} requires --jitter: it applies to the jitter`);
    }
  }
  const ms = flags.delay.read(values);
  if (ms === undefined) return undefined;
  const jitterMs = flags.jitter.read(values);
  if (jitterMs === undefined) return { ms };
  if (jitterMs > ms) {
    const jitter = String(values.jitter);
    throw usageError(
      `--jitter ${quote(jitter)}: must be at most --delay ${formatDuration(ms)}, since a packet cannot be early`,
    );
  }
  const correlationPercent = flags.correlation.read(values);
  const distribution = flags.distribution.read(values);
  return {
    ms,
    jitterMs,
    ...(correlationPercent === undefined ? {} : { correlationPercent }),
    ...(distribution === undefined ? {} : { distribution }),
  };
}

/** `25%` or `25%,50%`: a percentage, and how much each packet depends on the one before. */
function correlated(flag: string, value: string): { percent: number; correlationPercent?: number } {
  const [percent = '', correlation, ...more] = value.split(',');
  if (more.length > 0)
    throw usageError(`${flag} ${quote(value)}: must be PERCENT or PERCENT,CORRELATION, such as 2% or 2%,25%`);
  return {
    percent: percentage(flag, percent),
    ...(correlation === undefined ? {} : { correlationPercent: percentage(flag, correlation) }),
  };
}

function toLoss(values: FlagValues): Shaping['loss'] {
  const loss = flags.loss.read(values);
  const model = flags.lossModel.read(values);
  if (loss !== undefined && model !== undefined) throw usageError('--loss and --loss-model are mutually exclusive');
  if (loss !== undefined) return correlated('--loss', loss);
  return model === undefined ? undefined : { model: toLossModel(model) };
}

/** How many percentages follow the name of the model at most; the first is needed. */
const lossModels: Readonly<Record<string, { most: number; grammar: string }>> = {
  gemodel: { most: 4, grammar: 'gemodel P [R [1-H [1-K]]]' },
  state: { most: 5, grammar: 'state P13 [P31 [P32 [P23 [P14]]]]' },
};

function toLossModel(value: string): string[] {
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

function toRate(values: FlagValues): Pick<Shaping, 'rate'> {
  const burst = flags.burst.read(values);
  const bitsPerSecond = flags.rate.read(values);
  if (bitsPerSecond === undefined) {
    if (burst !== undefined) throw usageError('--burst requires --rate: it is the size of the token bucket');
    return {};
  }
  if (burst === undefined) return { rate: { bitsPerSecond } };
  const burstBytes = parseQuantity(burst);
  if (burstBytes === undefined) throw usageError(`--burst ${quote(burst)}: must be a size in bytes such as 32Ki or 1M`);
  if (burstBytes < minBurstBytes) {
    throw usageError(`--burst ${quote(burst)}: must be at least ${minBurstBytes} bytes, the size of a packet`);
  }
  if (burstBytes * 8 > bitsPerSecond * maxBurstSeconds || burstBytes > 2 ** 31) {
    throw usageError(`--burst ${quote(burst)}: must be at most what --rate ${values.rate} sends in a minute, and 2Gi`);
  }
  return { rate: { bitsPerSecond, burstBytes: Math.floor(burstBytes) } };
}

function toPorts(values: FlagValues, protocol: IpProtocol | undefined): PortRange[] {
  const ranges = flags.port.read(values).map(portRange);
  if (ranges.length > 0 && protocol === 'icmp')
    throw usageError('--port and --protocol icmp are mutually exclusive: ICMP has no ports');
  return joinRanges(ranges);
}

function portRange(value: string): PortRange {
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(value) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (!(from >= 1 && to <= 65_535)) {
    throw usageError(`--port ${quote(value)}: must be a number from 1 to 65535, or a range such as 8000-8080`);
  }
  if (from > to)
    throw usageError(`--port ${quote(value)}: must begin with the lower port; did you mean ${to}-${from}?`);
  return { from, to };
}

function toInterfaces(values: FlagValues): string[] {
  const names = flags.interface.read(values);
  // The kernel takes more characters, which tc and nft would read as words of their own.
  const wrong = names.find((name) => !/^[\w.@+-]{1,15}$/.test(name));
  if (wrong !== undefined)
    throw usageError(`--interface ${quote(wrong)}: must be the name of a network interface such as eth0`);
  return [...new Set(names)];
}

function toDirection(values: FlagValues, hasTo: boolean, hasFrom: boolean, blocks: boolean): Direction {
  const direction = flags.direction.read(values);
  if (direction === undefined) return blocks || (hasTo && hasFrom) ? 'both' : hasFrom ? 'ingress' : 'egress';
  if (direction === 'egress' && hasFrom) {
    throw usageError('--direction egress and --from are mutually exclusive: use --to to select what the target sends');
  }
  if (direction === 'ingress' && hasTo) {
    throw usageError(
      '--direction ingress and --to are mutually exclusive: use --from to select what the target receives',
    );
  }
  return direction;
}
