/** IP addresses and ranges as numbers: the only arithmetic on them. Texts in, texts out; what is not an address is undefined. */

export type IpFamily = 4 | 6;

/** An IP range in canonical form: the address lower-case, compressed (RFC 5952), without host bits. */
export interface Cidr {
  family: IpFamily;
  address: string;
  /** 0 … 32 or 0 … 128. */
  prefix: number;
}

export interface Address {
  family: IpFamily;
  value: bigint;
}

/** The longest prefix: how many bits an address has. */
const addressBits = { 4: 32, 6: 128 } as const;

/** An address without zone or brackets. IPv4 only in the dotted form of four numbers: `10.1` and `010.0.0.1` mean different things to different programs. */
export function parseAddress(text: string): Address | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): Address | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) {
    return undefined;
  }
  return { family: 4, value: parts.reduce((value, part) => value * 256n + BigInt(part), 0n) };
}

function parseIpv6(text: string): Address | undefined {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const last = dotted ? parseIpv4(dotted[2] ?? '') : undefined;
  if (dotted && !last) return undefined;
  const hex = last
    ? `${dotted?.[1] ?? ''}${(last.value >> 16n).toString(16)}:${(last.value & 0xffffn).toString(16)}`
    : text;
  const halves = hex.split('::');
  if (halves.length > 2) return undefined;
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const zeros = 8 - head.length - tail.length;
  if (halves.length === 2 ? zeros < 1 : zeros !== 0) return undefined;
  const groups = [...head, ...Array<string>(zeros).fill('0'), ...tail];
  if (!groups.every((group) => /^[\da-f]{1,4}$/i.test(group))) return undefined;
  return { family: 6, value: BigInt(`0x${groups.map((group) => group.padStart(4, '0')).join('')}`) };
}

/** Dotted, or as RFC 5952 has it: lower case, the first of the longest runs of zeros as `::`. */
export function formatAddress({ family, value }: Address): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.');
  const groups = Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16));
  let start = 0;
  let length = 1;
  for (let from = 0; from < 8; from++) {
    const end = groups.findIndex((group, index) => index >= from && group !== '0');
    const run = (end < 0 ? 8 : end) - from;
    if (run > length) [start, length] = [from, run];
  }
  if (length < 2) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}

function networkMask(family: IpFamily, prefix: number): bigint {
  const bits = addressBits[family];
  return ((1n << BigInt(prefix)) - 1n) << BigInt(bits - prefix);
}

/** `10.0.0.0/8`, or an address alone; `exact` is false when host bits were set, and are cut off in `cidr`. */
export function parseCidr(text: string): { cidr: Cidr; exact: boolean } | undefined {
  const [, host = '', length] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = parseAddress(host);
  if (!address) return undefined;
  const prefix = length === undefined ? addressBits[address.family] : Number(length);
  if (prefix > addressBits[address.family]) return undefined;
  const value = address.value & networkMask(address.family, prefix);
  return {
    cidr: { family: address.family, address: formatAddress({ family: address.family, value }), prefix },
    exact: value === address.value,
  };
}

/** The range of one address; undefined when the text is not an address. */
export function singleAddress(text: string): Cidr | undefined {
  return text.includes('/') ? undefined : parseCidr(text)?.cidr;
}

export function isSingle({ family, prefix }: Cidr): boolean {
  return prefix === addressBits[family];
}

export function formatCidr(cidr: Cidr): string {
  return isSingle(cidr) ? cidr.address : `${cidr.address}/${cidr.prefix}`;
}

/** Whether all of `inner` is in `outer`. */
export function contains(outer: Cidr, inner: Cidr): boolean {
  if (outer.family !== inner.family || outer.prefix > inner.prefix) return false;
  const mask = networkMask(outer.family, outer.prefix);
  return ((numberOf(outer) ^ numberOf(inner)) & mask) === 0n;
}

function numberOf(cidr: Cidr): bigint {
  return parseAddress(cidr.address)?.value ?? 0n;
}

/** Without those that are contained in others, each once, in the same order. */
export function withoutContained(cidrs: readonly Cidr[]): Cidr[] {
  const key = (family: IpFamily, prefix: number, value: bigint) =>
    `${family} ${prefix} ${value & networkMask(family, prefix)}`;
  const all = new Set(cidrs.map((cidr) => key(cidr.family, cidr.prefix, numberOf(cidr))));
  const unseen = new Set(all);
  // Looked up by each prefix that there is: there may be thousands of addresses, and of prefixes there are few.
  const prefixes = [...new Set(cidrs.map(({ prefix }) => prefix))];
  return cidrs.filter((cidr) => {
    const value = numberOf(cidr);
    if (prefixes.some((prefix) => prefix < cidr.prefix && all.has(key(cidr.family, prefix, value)))) return false;
    // The first of several that are the same stays.
    return unseen.delete(key(cidr.family, cidr.prefix, value));
  });
}
