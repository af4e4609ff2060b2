import type { Target } from '../../ports.ts';
import { joinWords } from '../../text.ts';
import type { Actor, FaultKind, ShimCommand } from '../fault.ts';
import { AttachedNetDriver } from './attached-driver.ts';
import { command } from './command.ts';
import { describeNet } from './describe.ts';
import { measureNet } from './measure.ts';
import type { NetRun } from './observations.ts';
import { hostNames, kernelNeeds } from './questions.ts';
import { record } from './record.ts';
import { NetSetup } from './setup.ts';
import { surveyNet } from './survey.ts';
import type { NetFault, NetRequest, NetSurroundings } from './types.ts';
import { judgeNet } from './verdict.ts';
import { networkPlace, peersOf, proofRows } from './view.ts';

/** The network of the target's pod: slow, lossy, narrow or broken. */
export const net: FaultKind<NetRequest, NetFault, NetSurroundings, NetRun> = {
  verb: 'net',
  asksShim: true,
  kernelNeeds,
  isOfPod: true,
  command,
  tools: {
    needed: () => true,
    names: ({ block }) => (block ? 'iproute2 and nftables' : 'iproute2'),
    // The target's network is asked by them.
    ...{ toolbox: 'net', neededFor: 'setup' },
  },

  survey: surveyNet,
  plan(request, _target, surroundings) {
    const { to: _to, from: _from, except: _except, ...rest } = request;
    return { fault: { ...rest, surroundings }, summary: describeNet(request) };
  },
  cautions,
  place: (_fault, { pod }) => `on the network of pod ${pod}`,
  shimCommand,
  record,

  observations: () => ({ counters: [], roundTripsBefore: [], roundTripsDuring: [] }),
  setup: (run, go) => new NetSetup(run, go),
  attach: (run) => new AttachedNetDriver(run),

  // What is done to a network stays there.
  outlivesShim: () => true,
  // It goes with the pod's network.
  unconfirmed: (_fault: NetFault, { pod }: Target) => `the network was restored; to be certain, delete pod ${pod}`,
  actor,
  stateName: (id, { plan }) => plan?.compare.find((state) => state.id === id)?.argv.join(' '),
  // The new container is in the pod's network as the former was, and the fault ends with the shim's target.
  staysAfterRestart: true,

  isMeasured: (_seen, { counters }) => counters.length > 0,
  judge(fault, _target, { differs, isFound }, { counters, roundTripsBefore, roundTripsDuring, removedAfterMs }) {
    const seen = { counters, roundTripsBefore, roundTripsDuring, differs, isFound, removedAfterMs };
    const measured = measureNet(seen);
    return { ...judgeNet(fault, seen), table: proofRows(measured), document: { net: measured } };
  },

  where: ({ surroundings }, target) => [networkPlace(target, surroundings.podContainers)],
  dryRun: (fault) => ({ peers: peersOf(fault) }),
};

/** The shim finds and opens its tools before anything else, and ends where one is missing: what is shaped is so without nft. */
function shimCommand({ allowHostNetwork, block }: NetFault): ShimCommand {
  const tools = ['tc', 'ip', ...(block ? ['nft'] : [])];
  return {
    command: 'hold',
    options: [...(allowHostNetwork ? ['--allow-host-network'] : []), ...tools.flatMap((tool) => ['--tool', tool])],
    workload: [],
  };
}

function cautions(fault: NetFault, isDetached: boolean): readonly string[] {
  const names = isDetached ? hostNames(fault) : [];
  if (names.length === 0) return [];
  return [
    `${joinWords(names)}: resolved once, when the fault begins; addresses that a name gets while the fault is detached are not followed`,
  ];
}

function actor(): Actor {
  const name = 'the process that holds the fault';
  return { name, program: name, complaint: () => undefined };
}
