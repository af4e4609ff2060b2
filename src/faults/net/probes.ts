import { type Cidr, contains, formatCidr, type IpFamily, isSingle, singleAddress } from '../../ip.ts';
import type { NetworkProbe } from '../../ports.ts';
import { outlasts, type ProbeAtRisk } from '../common/probes.ts';
import type { Rules } from './rules.ts';
import { deviceOf, type Surface } from './surface.ts';
import type { Listening, NetBasis, NetFault, Shaping } from './types.ts';

/** What a net fault does to the kubelet's probes of the target's pod. Pure. */

/**
 * Those probes of the pod that fail often enough within the fault's time, if they come from an address that is affected. `durationMs`: of the fault.
 * Probes of a pod on its node's own network come through loopback; those to another host are not known to end at the target.
 */
export function probesAtRisk(
  fault: NetFault,
  basis: NetBasis,
  rules: readonly Rules[],
  surface: Surface,
  durationMs: number,
): ProbeAtRisk[] {
  const { hostNetwork, podIps, probes } = fault.surroundings;
  if (hostNetwork || !carriesProbes(fault, basis, surface)) return [];
  return probes.flatMap((probe) => {
    const { host, port } = probe;
    const family = singleAddress(host ?? podIps[0] ?? '')?.family;
    const isExposed =
      rules.some((each) => mayMatchProbe(each, port, family)) ||
      basis.sources.some(({ cidr }) => isOf(family, cidr) && affectsProbe(rules, port, cidr));
    const effect = isExposed && isToPod(host, podIps) ? effectOn(fault, probe) : 'none';
    const isLong = outlasts(durationMs, probe);
    if (effect === 'none' || isLong === 'not') return [];
    return [{ probe, isCertain: effect === 'fails' && isLong === 'certainly' }];
  });
}

function isToPod(host: string | undefined, podIps: readonly string[]): boolean {
  return host === undefined || podIps.includes(host);
}

/** Whether what the fault acts on is where the pod's own address is. */
function carriesProbes({ surroundings, protocol, interfaces }: NetFault, { by }: NetBasis, surface: Surface): boolean {
  if (protocol !== undefined && protocol !== 'tcp') return false;
  const own = deviceOf(surface, surroundings.podIps);
  const devices = by.tool === 'tc' ? by.ports.map(({ device }) => device) : interfaces;
  return own === undefined || devices.length === 0 || devices.includes(own);
}

/** Probes come by the family of the address that they go to, which is the first of the pod's; undefined: not known. */
function isOf(family: IpFamily | undefined, cidr: Cidr): boolean {
  return family === undefined || cidr.family === family;
}

/** Whether a range is affected, which the source of a probe may be in: single addresses were named by somebody who knows them. */
function mayMatchProbe({ matches }: Rules, port: number, family: IpFamily | undefined): boolean {
  return matches.some(
    (match) =>
      coversPort(match, port) &&
      (match.cidrs === 'any' || match.cidrs.some((cidr) => !isSingle(cidr) && isOf(family, cidr))),
  );
}

/** Whether a probe is an HTTP request that anybody can read, and that calls its sender the kubelet. */
export function showsSender({ by, hasOwnAgent }: NetworkProbe): boolean {
  return by === 'http' && hasOwnAgent !== true;
}

/** Whether a probe of this port from this address is affected. */
export function affectsProbe(rules: readonly Rules[], port: number, source: Cidr): boolean {
  return rules.some(
    ({ matches, excluded }) =>
      !excluded.some((cidr) => contains(cidr, source)) &&
      matches.some(
        (match) =>
          coversPort(match, port) && (match.cidrs === 'any' || match.cidrs.some((cidr) => contains(cidr, source))),
      ),
  );
}

/** The kubelet's own port is any. */
function coversPort({ ports, portsOf }: Rules['matches'][number], port: number): boolean {
  return ports.length === 0 || (portsOf !== 'peer' && ports.some(({ from, to }) => from <= port && port <= to));
}

type Effect = 'fails' | 'may' | 'none';

function effectOn({ block, shaping, direction }: NetFault, probe: NetworkProbe): Effect {
  if (block !== undefined) return 'fails';
  const { delay, loss, corruptPercent = 0, rate, reorder } = shaping ?? {};
  const isByModel = loss !== undefined && ('model' in loss || loss.correlationPercent !== undefined);
  const lostPercent = corruptPercent + (loss && 'percent' in loss ? loss.percent : 0);
  if (lostPercent >= 100) return 'fails';
  const late = delay ? lateness(delay, direction, probe, reorder !== undefined) : 'none';
  if (late !== 'none') return late;
  return isByModel || rate !== undefined || mayFailByLoss(lostPercent, probe) ? 'may' : 'none';
}

/** About two packets of a probe must not be lost: what opens the connection, sent again only after a second, and one more. Below 1 in 10,000 is never. */
function mayFailByLoss(percent: number, { failureThreshold }: NetworkProbe): boolean {
  return Math.min(1, (2 * percent) / 100) ** failureThreshold > 1e-4;
}

/** A connection takes one round trip, a request one more, and TLS at least one before it. */
const roundTrips = { tcp: 1, http: 2, grpc: 2, https: 3 } as const;

function lateness(
  { ms, jitterMs = 0 }: NonNullable<Shaping['delay']>,
  direction: NetFault['direction'],
  { by, timeoutSeconds }: NetworkProbe,
  someOvertake: boolean,
): Effect {
  const delays = roundTrips[by] * (direction === 'both' ? 2 : 1);
  if (delays * (ms + jitterMs) <= 1_000 * timeoutSeconds) return 'none';
  return delays * (ms - jitterMs) > 1_000 * timeoutSeconds && !someOvertake ? 'fails' : 'may';
}

export const longestListenMs = 12_000;

/**
 * All probes of a pod go to one address of it, and so come from one: a single request that calls itself kube-probe tells of all of them. Probes by TLS,
 * TCP or gRPC do not show who they are: each port is listened to for its period. `mostMs`: not for longer. Undefined: no failing probe would restart a container.
 */
export function listeningFor(
  { podIps, probes }: NetFault['surroundings'],
  atRisk: readonly ProbeAtRisk[],
  known: readonly Cidr[],
  mostMs: number,
): Listening | undefined {
  if (!atRisk.some(({ probe }) => probe.kind !== 'readiness')) return undefined;
  // The kubelet sends no other probe to a container until its startup probe has succeeded.
  const starting = new Set(probes.flatMap(({ kind, container }) => (kind === 'startup' ? [container] : [])));
  const isSent = ({ kind, container }: NetworkProbe) => kind === 'startup' || !starting.has(container);
  const telling = probes.filter((probe) => isSent(probe) && showsSender(probe) && isToPod(probe.host, podIps));
  const wanted = [...telling, ...atRisk.map(({ probe }) => probe)];
  const periods = (all: readonly NetworkProbe[]) => all.map(({ periodSeconds }) => periodSeconds);
  const seconds = telling.length > 0 ? Math.min(...periods(telling)) : Math.max(...periods(wanted));
  return {
    ms: Math.min(mostMs, 1_000 * (seconds + 1)),
    ports: [...new Set(wanted.map(({ port }) => port))].slice(0, 16),
    known: telling.length > 0 ? [] : known.slice(0, 40).map(formatCidr),
  };
}
