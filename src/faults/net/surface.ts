import { ChaosError } from '../../errors.ts';
import { type Cidr, contains, parseCidr, singleAddress } from '../../ip.ts';
import { type Fields, isObject, readJson } from '../../json.ts';
import { firstLine } from '../../text.ts';
import type { Answer } from './types.ts';

/** The target's network, as its own tools tell it. */
export interface Surface {
  links: readonly Link[];
  routes: readonly Route[];
  /** The target's own addresses. */
  addresses: readonly { address: string; device: string }[];
  qdiscs: readonly Qdisc[];
  /** Names of nftables' tables of family inet. */
  tables: readonly string[];
}

export interface Link {
  name: string;
  /** `veth`, `ifb`, `netkit`; undefined: a device of hardware, or loopback. */
  kind: string | undefined;
  /** Packets; 0: it has no queue. */
  txQueueLength: number;
}

export interface Route {
  to: Cidr;
  devices: readonly string[];
  gateways: readonly string[];
}

export interface Qdisc {
  device: string;
  kind: string;
  /** With its colon; `0:` is one that the kernel made by itself. */
  handle: string;
  isRoot: boolean;
}

/** Reads what `questions` asked for. Throws ChaosError `shim` where a tool did not answer as it should. */
export function readSurface(answers: ReadonlyMap<string, Answer>): Surface {
  return {
    links: objects(answers, 'links').map((link) => ({
      name: text(link.ifname),
      kind: isObject(link.linkinfo) ? optionalText(link.linkinfo.info_kind) : undefined,
      txQueueLength: typeof link.txqlen === 'number' ? link.txqlen : 0,
    })),
    routes: objects(answers, 'routes').flatMap(readRoute),
    addresses: objects(answers, 'routes')
      .filter(({ type, table }) => type === 'local' && table === 'local')
      .map((route) => ({ address: text(route.dst), device: text(route.dev) })),
    qdiscs: objects(answers, 'qdiscs').map((qdisc) => ({
      device: text(qdisc.dev),
      kind: text(qdisc.kind),
      handle: text(qdisc.handle),
      isRoot: qdisc.root === true,
    })),
    // A kernel or an image without nftables has no tables.
    tables: [...(answers.get('tables')?.stdout ?? '').matchAll(/^table inet (\S+)$/gm)].map(([, name]) => name ?? ''),
  };
}

function readRoute(route: Fields): Route[] {
  // Of table `local` are the target's own addresses, and broadcasts.
  if (route.table === 'local' || (route.type !== undefined && route.type !== 'unicast')) return [];
  const hops = [route, ...(Array.isArray(route.nexthops) ? route.nexthops.filter(isObject) : [])];
  const devices = hops.flatMap((hop) => optionalText(hop.dev) ?? []);
  const via = hops.flatMap((hop) => (isObject(hop.via) ? (optionalText(hop.via.host) ?? []) : []));
  const gateways = [...hops.flatMap((hop) => optionalText(hop.gateway) ?? []), ...via];
  const destination = text(route.dst);
  // A default route does not say of which family it is: its gateway does, and without one it may be either.
  const ranges =
    destination === 'default'
      ? gateways.length > 0
        ? [gateways.some((gateway) => gateway.includes(':')) && via.length === 0 ? '::/0' : '0.0.0.0/0']
        : ['0.0.0.0/0', '::/0']
      : [destination];
  return ranges.flatMap((range) => {
    const to = parseCidr(range)?.cidr;
    return to ? [{ to, devices, gateways }] : [];
  });
}

/**
 * Interfaces that carry packets to these ranges: of the routes inside a range all, of those around it the narrowest. `any`: all that have a route.
 */
export function devicesTo(surface: Surface, cidrs: readonly Cidr[] | 'any'): string[] {
  const found = cidrs === 'any' ? surface.routes : cidrs.flatMap((cidr) => routesTo(surface.routes, cidr));
  const carrying = new Set(found.flatMap(({ devices }) => devices));
  return surface.links.map(({ name }) => name).filter((name) => name !== 'lo' && carrying.has(name));
}

function routesTo(routes: readonly Route[], cidr: Cidr): Route[] {
  const inside = routes.filter(({ to }) => contains(cidr, to));
  const around = routes.filter(({ to }) => contains(to, cidr));
  const narrowest = Math.max(...around.map(({ to }) => to.prefix));
  return [...inside, ...around.filter(({ to }) => to.prefix === narrowest)];
}

/** The interface that has the pod's addresses, by which the cluster knows it; undefined: none has. */
export function deviceOf(surface: Surface, podIps: readonly string[]): string | undefined {
  const own = podIps.flatMap((ip) => singleAddress(ip) ?? []);
  return surface.addresses.find(({ address }) => {
    const cidr = singleAddress(address);
    return cidr && own.some((other) => contains(other, cidr));
  })?.device;
}

/**
 * Where what the target sends to the rest of the world goes first: on a bridge, the node itself. Of the cluster's network only, where that is known: the
 * gateway of another network that the pod is in is none of the node's.
 */
export function gatewaysOf(surface: Surface, podIps: readonly string[]): string[] {
  const device = deviceOf(surface, podIps);
  const defaults = surface.routes.filter(({ to, devices }) => to.prefix === 0 && (!device || devices.includes(device)));
  return [...new Set(defaults.flatMap(({ gateways }) => gateways))];
}

function objects(answers: ReadonlyMap<string, Answer>, id: string): Fields[] {
  const answer = answers.get(id);
  if (answer?.exitCode !== 0) {
    throw new ChaosError('shim', `the target's ${id} could not be read: ${firstLine(answer?.stderr) || 'no answer'}`, {
      hint: 'Is iproute2 in the image? Leave --image out, and the plugin sends its own.',
    });
  }
  // ip and tc print nothing at all for an empty list.
  const parsed = readJson(answer.stdout.trim() === '' ? '[]' : answer.stdout);
  if (!Array.isArray(parsed)) throw new ChaosError('shim', `the target's ${id} could not be read: not a list in JSON`);
  return parsed.filter(isObject);
}

function optionalText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function text(value: unknown): string {
  return optionalText(value) ?? '';
}
