import { ChaosError } from '../../errors.ts';
import { formatCidr, isSingle } from '../../ip.ts';
import type { Undo } from '../../shim/commands.ts';
import { joinWords } from '../../text.ts';
import { rootHandle } from './filters.ts';
import { chooseTool, refuseForeign, refuseOthers } from './kernel.ts';
import { filtersOf, maxFilters, shapingLines } from './layout.ts';
import { resolveNames } from './names.ts';
import { nftScript } from './nft.ts';
import { formatPorts } from './ports.ts';
import { describeAffected, describeExcluded, describeWarnings } from './preview.ts';
import { probeWarnings } from './probe-warnings.ts';
import { listeningFor, longestListenMs, probesAtRisk } from './probes.ts';
import { batch } from './questions.ts';
import { addressesOf, listCidrs, mayAffect, type Names, type Rules, rulesOf, servedPorts } from './rules.ts';
import { probeSources, readHeard } from './sources.ts';
import { devicesTo, type Link, readSurface, type Surface } from './surface.ts';
import type { Answer, NetBasis, NetFault, NetPlan, Peer, ShapedPort } from './types.ts';

/** Id of the only `count` of a plan. */
export const countersId = 'counters';

/**
 * What is done to the target's network, from what its own tools say of it. Pure; refuses what cannot work, before anything is changed. `whoElse`:
 * how to find out about another experiment. `listenMs`: how long to listen for the kubelet at most.
 * @throws ChaosError `target-unsuitable`; `shim` when a tool did not answer.
 */
export function planNet(
  fault: NetFault,
  answers: ReadonlyMap<string, Answer>,
  experimentId: string,
  whoElse: string,
  durationMs = Number.POSITIVE_INFINITY,
  listenMs = longestListenMs,
): NetPlan {
  refuseHostNetwork(fault);
  const surface = readSurface(answers);
  refuseOthers(surface, whoElse);
  const names = resolveNames(fault, answers);
  refuseNobody(fault, names);
  const tool = chooseTool(fault, answers);
  const heard = readHeard(answers);
  const sources = probeSources(fault.surroundings, surface, heard);
  const rules = rulesOf(fault, names, sources);
  const suffix = experimentId.replace(/^chaos-/, '');
  const by: NetBasis['by'] =
    tool === 'nft'
      ? { tool, table: `kubectl_chaos_${suffix}` }
      : { tool, ports: shapedPorts(chooseDevices(fault, rules, surface), suffix, fault.direction !== 'egress') };
  if (by.tool === 'nft') checkInterfaces(fault, surface);
  else
    refuseForeign(
      surface,
      by.ports.map(({ device }) => device),
      fault.direction !== 'egress',
    );
  const basis: NetBasis = { by, sources, names };
  const probe = findProbe(fault, names, rules, surface);
  const atRisk = probesAtRisk(fault, basis, rules, surface, durationMs);
  const listening = listeningFor(
    fault.surroundings,
    atRisk,
    sources.map(({ cidr }) => cidr),
    listenMs,
  );
  return {
    ...(by.tool === 'nft' ? nftSteps(fault, by.table, rules) : tcSteps(fault, basis, by.ports, rules, surface)),
    affected: describeAffected(fault, basis, rules),
    excluded: describeExcluded(fault, basis),
    warnings: [
      ...probeWarnings(atRisk, rules, {
        ...{ sources, heard, listening, answers },
        isNodeKnown: fault.surroundings.nodeIps.length > 0,
      }),
      ...describeWarnings(fault, basis, surface),
    ],
    ...(probe ? { probe } : {}),
    ...(listening ? { listening } : {}),
    basis,
  };
}

type Steps = Pick<NetPlan, 'undo' | 'apply' | 'compare' | 'count'>;

function nftSteps(fault: NetFault, table: string, rules: readonly Rules[]): Steps {
  const { block = 'drop', interfaces, protocol } = fault;
  return {
    undo: [{ kind: 'table', name: table }],
    apply: [
      {
        argv: ['nft', '-f', '-'],
        input: nftScript({ table, block, rules, interfaces, ...(protocol ? { protocol } : {}) }),
      },
    ],
    compare: [{ id: 'tables', argv: ['nft', 'list', 'tables'] }],
    count: [{ id: countersId, argv: ['nft', '-j', 'list', 'counters', 'table', 'inet', table] }],
  };
}

function tcSteps(
  fault: NetFault,
  basis: NetBasis,
  ports: readonly ShapedPort[],
  rules: readonly Rules[],
  { links: found }: Surface,
): Steps {
  const filters = filtersOf(fault, basis, rules).length;
  if (filters > maxFilters) {
    throw new ChaosError('target-unsuitable', `this fault needs ${filters} filters; the maximum is ${maxFilters}`, {
      hint: 'Name fewer peers or ports, or wider ranges: --to 10.0.0.0/8, --port 8000-8063.',
    });
  }
  const ifbs = ports.flatMap(({ ifb }) => ifb ?? []);
  const links = ifbs.flatMap((ifb) => [`link add ${ifb} type ifb`, `link set dev ${ifb} up`]);
  return {
    // What comes in stops going through the ifb link before that goes.
    undo: [
      ...ports.flatMap(undoIngress),
      ...(fault.direction === 'ingress' ? [] : ports.map(undoEgress)),
      ...ports.flatMap((port) => undoQueue(port, found)),
    ],
    apply: [
      ...(links.length > 0 ? [{ argv: ['ip', '-batch', '-'], input: batch(links) }] : []),
      { argv: ['tc', '-batch', '-'], input: batch(shapingLines(fault, basis, rules)) },
    ],
    // Filters hang below qdiscs: none of ours is left where none of those is.
    compare: [
      { id: 'qdiscs', argv: ['tc', 'qdisc', 'show'] },
      { id: 'links', argv: ['ip', '-o', 'link', 'show'] },
    ],
    count: [{ id: countersId, argv: ['tc', '-s', '-j', 'qdisc', 'show'] }],
  };
}

function undoIngress({ device, ifb }: ShapedPort): Undo[] {
  return ifb === undefined
    ? []
    : [
        { kind: 'ingress', device },
        { kind: 'link', name: ifb },
      ];
}

function undoEgress({ device }: ShapedPort): Undo {
  return { kind: 'qdisc', device, handle: rootHandle };
}

/** Any qdisc, that for ingress as well, gives a device without a queue one of 1000 packets, which stays when the qdisc goes. */
function undoQueue({ device }: ShapedPort, links: readonly Link[]): Undo[] {
  const link = links.find(({ name }) => name === device);
  return link?.txQueueLength === 0 ? [{ kind: 'txqueuelen', device, length: 0 }] : [];
}

/** At most 15 characters in a link's name. */
function shapedPorts(devices: readonly string[], suffix: string, ingress: boolean): ShapedPort[] {
  return devices.map((device, index) => ({ device, ...(ingress ? { ifb: `chaos${suffix}${index}` } : {}) }));
}

function chooseDevices(fault: NetFault, rules: readonly Rules[], surface: Surface): string[] {
  checkInterfaces(fault, surface);
  if (fault.interfaces.length > 0) return [...fault.interfaces];
  const all = rules.flatMap(({ matches }) => matches.map(({ cidrs }) => cidrs));
  const cidrs = all.includes('any') ? 'any' : all.flatMap((each) => (each === 'any' ? [] : each));
  const devices = devicesTo(surface, cidrs);
  if (devices.length > 0) return devices;
  throw new ChaosError(
    'target-unsuitable',
    cidrs === 'any' ? 'the target has no route to anywhere' : `the target has no route to ${listCidrs(cidrs)}`,
    { hint: 'Name the interface with --interface to affect it anyway.' },
  );
}

function checkInterfaces({ interfaces }: NetFault, { links }: Surface): void {
  const unknown = interfaces.find((name) => !links.some((link) => link.name === name));
  if (unknown === undefined) return;
  throw new ChaosError('target-unsuitable', `the target has no interface ${JSON.stringify(unknown)}`, {
    hint: `It has ${joinWords(links.map(({ name }) => name))}.`,
  });
}

/** Refuses a pod in the node's own network, unless that is asked for. */
export function refuseHostNetwork({
  surroundings,
  allowHostNetwork,
}: Pick<NetFault, 'surroundings' | 'allowHostNetwork'>): void {
  if (!surroundings.hostNetwork || allowHostNetwork) return;
  throw new ChaosError(
    'target-unsuitable',
    "the pod uses the node's own network (hostNetwork): the fault would affect the node, its kubelet and every pod on that network",
    { hint: 'If that is what you want, add --allow-host-network.' },
  );
}

/** A peer without an address, or a service without the port, must not become everybody. */
function refuseNobody({ surroundings: { to, from }, ports }: NetFault, names: Names): void {
  for (const [flag, peers] of [
    ['--to', to],
    ['--from', from],
  ] as const) {
    const named = joinWords([...new Set(peers.map(({ query }) => query.text))]);
    if (peers.length > 0 && peers.every((peer) => addressesOf(peer, names).length === 0)) {
      throw new ChaosError('target-unsuitable', `${flag} ${named}: has no address that could be affected`, {
        hint: 'Are its pods running? See "kubectl get endpointslices,pods -o wide".',
      });
    }
  }
  const mapped = to.filter(({ portMap }) => portMap !== undefined);
  if (mapped.length === 0 || mapped.some((peer) => servedPorts(peer, ports) !== undefined)) return;
  const services = new Set(mapped.map(({ query }) => query.text));
  // Another peer may well serve the port.
  if (to.some(({ query }) => !services.has(query.text))) return;
  const has = mapped.flatMap(({ portMap = [] }) => portMap.map(({ port }) => ({ from: port, to: port })));
  throw new ChaosError('target-unsuitable', `${joinWords([...services])} has no port ${formatPorts(ports)}`, {
    hint: `It has ${formatPorts(has)}. Ports are those of the service, not of its pods.`,
  });
}

/** The first single address and TCP port that is affected on the way out or back. */
function findProbe(fault: NetFault, names: Names, rules: readonly Rules[], surface: Surface): NetPlan['probe'] {
  if (fault.protocol !== undefined && fault.protocol !== 'tcp') return undefined;
  // An endpoint answers by itself; what is behind a cluster IP is the service's choice each time.
  const byMap = (mapped: boolean) => fault.surroundings.to.filter(({ portMap }) => (portMap !== undefined) === mapped);
  for (const peer of [...byMap(true), ...byMap(false)]) {
    const port = probePort(peer, fault);
    if (port === undefined) continue;
    const cidr = addressesOf(peer, names).find(
      (each) => isSingle(each) && mayAffect(rules, each) && devicesTo(surface, [each]).length > 0,
    );
    if (cidr) return { address: formatCidr(cidr), port };
  }
  return undefined;
}

function probePort(peer: Peer, { ports }: NetFault): number | undefined {
  return ports.length > 0 ? servedPorts(peer, ports)?.[0]?.from : peer.portMap?.[0]?.targetPort;
}
