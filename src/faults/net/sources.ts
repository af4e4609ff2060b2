import { type Cidr, contains, formatCidr, singleAddress } from '../../ip.ts';
import { joinWords } from '../../text.ts';
import { gatewaysOf, type Surface } from './surface.ts';
import type { Answer, NetSurroundings, ProbeSource } from './types.ts';

/** Where the kubelet's probes come from, and how that is known. Pure. */

/** Somebody who connected to a probed port while that was listened to. */
export interface Heard {
  cidr: Cidr;
  port: number;
  isKubelet: boolean;
}

export const listenId = 'probes';

/** What was heard; undefined: nobody has listened, or could. */
export function readHeard(answers: ReadonlyMap<string, Answer>): Heard[] | undefined {
  const answer = answers.get(listenId);
  if (answer?.exitCode !== 0) return undefined;
  return answer.stdout.split('\n').flatMap((line) => {
    const [address = '', port, what] = line.split(' ');
    const cidr = singleAddress(address);
    return cidr ? [{ cidr, port: Number(port), isKubelet: what === 'kube-probe' }] : [];
  });
}

/** Istio's ambient mode gives the kubelet's probes these addresses on the node (HOST_PROBE_SNAT_IP and HOST_PROBE_SNAT_IPV6 of istio-cni). */
const istioAmbient = ['169.254.7.127', 'fd16:9254:7127:1337:ffff:ffff:ffff:ffff'];

/** No pod has one of these; they are what a node makes for itself. Of IPv6 every pod has one, and the kubelet uses none to reach a pod's global address. */
const linkLocal: Cidr = { family: 4, address: '169.254.0.0', prefix: 16 };

/**
 * What is excluded for the kubelet's sake: who was heard as the kubelet; what the node is known by; and link-local addresses of IPv4 that connect to a
 * probed port, since only the node has those. Other addresses that connect may be any client's.
 */
export function probeSources(
  surroundings: NetSurroundings,
  surface: Surface,
  heard: readonly Heard[] = [],
): ProbeSource[] {
  const { nodeIps, nodeSources, probes, podIps } = surroundings;
  const families = new Set(podIps.map((ip) => singleAddress(ip)?.family));
  const istio = istioAmbient.flatMap((address) => {
    const family = singleAddress(address)?.family;
    return families.size === 0 || families.has(family) ? [{ address, what: "Istio's ambient mode" }] : [];
  });
  const known = [
    ...nodeIps.map((address) => ({ address, what: 'node' })),
    ...gatewaysOf(surface, podIps).map((address) => ({ address, what: 'gateway' })),
    ...(probes.length > 0 ? [...nodeSources, ...istio] : []),
  ].flatMap(({ address, what }) => {
    const cidr = singleAddress(address);
    return cidr ? [{ cidr, what }] : [];
  });
  const seen = heard
    .filter(({ cidr, isKubelet }) => isKubelet || contains(linkLocal, cidr))
    .map(({ cidr }) => ({ cidr }));
  const all: Array<{ cidr: Cidr; what?: string }> = [...known, ...seen];
  const distinct = all.filter(({ cidr }, index) => all.findIndex((other) => isSame(other.cidr, cidr)) === index);
  const portsOf = (cidr: Cidr, isKubelet: boolean) =>
    heard.filter((each) => isSame(each.cidr, cidr) && each.isKubelet === isKubelet).map(({ port }) => port);
  return distinct.map((source) => ({
    ...source,
    kubeProbe: portsOf(source.cidr, true),
    connected: portsOf(source.cidr, false),
  }));
}

function isSame(one: Cidr, other: Cidr): boolean {
  return contains(one, other) && contains(other, one);
}

/** Whether it is certain that this is an address of the node's. */
export function isOfNode({ cidr, what }: ProbeSource): boolean {
  return what !== undefined || contains(linkLocal, cidr);
}

/** What is excluded and how that is known, a line each. */
export function describeSources(sources: readonly ProbeSource[], isProbed: boolean): string[] {
  const seen = sources.filter(({ kubeProbe }) => kubeProbe.length > 0);
  const connected = sources.filter((source) => !seen.includes(source) && source.connected.length > 0);
  const others = sources.filter((source) => !seen.includes(source) && !connected.includes(source));
  const ports = (all: readonly number[]) => `port${all.length > 1 ? 's' : ''} ${joinWords(all.map(String))}`;
  const known = seen.length + connected.length > 0;
  const why = known
    ? "the kubelet's probes may come from here as well"
    : "where the kubelet's probes usually come from";
  return [
    ...seen.map((source) => `${nameOf(source)}: seen probing ${ports(source.kubeProbe)} (kube-probe)`),
    ...connected.map(
      (source) => `${nameOf(source)}: seen connecting to ${ports(source.connected)}, which the kubelet probes`,
    ),
    ...(others.length > 0 ? [`${joinWords(others.map(nameOf))}${isProbed ? `: ${why}` : ''}`] : []),
  ];
}

export function nameOf({ cidr, what }: Pick<ProbeSource, 'cidr' | 'what'>): string {
  return `${formatCidr(cidr)}${what === undefined ? '' : ` (${what})`}`;
}
