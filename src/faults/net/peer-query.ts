import { type ChaosError, usageError } from '../../errors.ts';
import { isLabel, isObjectName, notAnObjectName, serviceWords, workloadKind } from '../../flags/names.ts';
import { nearest } from '../../flags/nearest.ts';
import { quote } from '../../flags/values.ts';
import { formatAddress, formatCidr, parseAddress, parseCidr } from '../../ip.ts';
import type { PeerQuery } from './types.ts';

/**
 * A value of `--to`, `--from` or `--except`: a CIDR, an address, `svc/NAME`, `pod/NAME`, `deploy/NAME`, each kind also as `NAMESPACE/KIND/NAME`, or a
 * host name.
 */
export function parsePeer(flag: string, text: string): PeerQuery {
  const wrong = (why: string): ChaosError => usageError(`${flag} ${quote(text)}: ${why}`);
  if (text === '') throw wrong('must not be empty');
  const words = text.split('/');
  const [, scheme, site, sitePort] = /^(\w+):\/\/([^/:]+)(?::(\d+))?/.exec(text) ?? [];
  if (scheme !== undefined) {
    const served = sitePort ?? wellKnown.get(scheme.toLowerCase());
    throw wrong(`must not be a URL; use ${flag} ${site}${served === undefined ? '' : ` --port ${served}`}`);
  }
  const [, host, port] = /^([^:]+):(\d+)$/.exec(text) ?? [];
  if (host !== undefined) throw wrong(`must not contain a port; use ${flag} ${host} --port ${port}`);
  // `10.0.0.0/8` and `fd00::/8`: what looks like an address is meant as one.
  if (/^[\d.]+$/.test(words[0] ?? '') || text.includes(':')) return parseRange(text, wrong);
  if (words.length === 1) return parseHost(text, wrong);
  if (words.length > 3) throw wrong('must be an address, a host name, KIND/NAME or NAMESPACE/KIND/NAME');
  const [kindWord = '', name = ''] = words.slice(-2);
  const namespace = words.length === 3 ? words[0] : undefined;
  if (namespace !== undefined && !isLabel(namespace)) throw wrong(`${quote(namespace)} is not a valid namespace name`);
  const word = kindWord.toLowerCase();
  if (serviceWords.includes(word)) return parseService(text, name, namespace, wrong);
  const kind = workloadKind(word);
  if (kind === undefined) {
    const near = nearest(word, [
      'svc',
      'service',
      'pod',
      'deploy',
      'deployment',
      'sts',
      'statefulset',
      'ds',
      'daemonset',
    ]);
    throw wrong(
      `${quote(kindWord)} is not a supported kind (svc, pod, or a workload such as deploy)${near ? `; did you mean ${near}/${name}?` : ''}`,
    );
  }
  if (!isObjectName(name)) throw wrong(notAnObjectName(name));
  return { kind, text, name, namespace };
}

const wellKnown: ReadonlyMap<string, string> = new Map([
  ['http', '80'],
  ['https', '443'],
]);

function parseRange(text: string, wrong: (why: string) => ChaosError): PeerQuery {
  const parsed = parseCidr(text);
  if (!parsed) throw wrong('must be an IP address or a CIDR such as 10.0.0.0/8 or fd00::/8');
  const { cidr, exact } = parsed;
  const address = parseAddress(text.split('/')[0] ?? '');
  // What such a socket sends is IPv4 on the wire.
  if (address?.family === 6 && address.value >> 32n === 0xffffn) {
    const mapped = formatAddress({ family: 4, value: address.value & 0xffffffffn });
    throw wrong(`is an IPv4-mapped IPv6 address; did you mean ${mapped}?`);
  }
  // One slip here is the difference between one host and sixteen million.
  if (!exact && address) {
    throw wrong(`has host bits set; did you mean ${formatCidr(cidr)}, or ${formatAddress(address)} alone?`);
  }
  return { kind: 'cidr', text, cidr };
}

function parseHost(text: string, wrong: (why: string) => ChaosError): PeerQuery {
  const name = text.toLowerCase().replace(/\.$/, '');
  const labels = name.split('.');
  if (name.length > 253 || !labels.every((label) => label.length <= 63 && /^[\w](?:[-\w]*[\w])?$/.test(label))) {
    throw wrong('must be an address, a host name, svc/NAME or pod/NAME');
  }
  // A resolver would take it for an address in one of its old spellings.
  if (/^(?:\d+|0x[\da-f]*)$/.test(labels.at(-1) ?? '')) throw wrong('must be an IP address or a host name');
  // The dot at the end keeps the resolver from trying search domains.
  return { kind: 'host', text, name: text.endsWith('.') ? `${name}.` : name };
}

function parseService(
  text: string,
  name: string,
  namespace: string | undefined,
  wrong: (why: string) => ChaosError,
): PeerQuery {
  if (isLabel(name)) return { kind: 'service', text, name, namespace };
  const [, service, other] = /^([^.]+)\.([^.]+)(?:\.svc(?:\..*)?)?$/.exec(name) ?? [];
  const hint = service && other && isLabel(service) && isLabel(other) ? `; did you mean ${other}/svc/${service}?` : '';
  throw wrong(`${quote(name)} is not a valid name of a service${hint}`);
}
