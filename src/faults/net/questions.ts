import type { Question } from '../../shim/commands.ts';
import type { KernelNeed } from '../fault.ts';
import { type Blocking, nftScript } from './nft.ts';
import type { Rules } from './rules.ts';
import { type Leaf, needsNetem, netemWords, redirectLines, shaperLines } from './shaper.ts';
import type { NetFault } from './types.ts';

/** What the target's network and the node's kernel are asked before anything is changed. */
export function questions(fault: NetFault): Question[] {
  return [
    { id: 'links', verb: 'ask', argv: ['ip', '-j', '-d', 'link', 'show'] },
    { id: 'routes', verb: 'ask', argv: ['ip', '-j', 'route', 'show', 'table', 'all'] },
    { id: 'qdiscs', verb: 'ask', argv: ['tc', '-j', 'qdisc', 'show'] },
    // Only what blocks has nft.
    ...(fault.block ? [{ id: 'tables', verb: 'ask' as const, argv: ['nft', 'list', 'tables'] }] : []),
    ...trials(fault),
    ...nameQuestions(fault),
  ];
}

/** How the target resolves the host names among the peers. */
export function nameQuestions(fault: NetFault): Question[] {
  return hostNames(fault).map((name) => ({ id: `lookup:${name}`, verb: 'lookup', argv: [name] }));
}

export function hostNames({ surroundings: { to, from, except } }: NetFault): string[] {
  const names = [...to, ...from, ...except].flatMap(({ query }) => (query.kind === 'host' ? [query.name] : []));
  return [...new Set(names)];
}

/** Tried in this order in a network namespace of their own: what the kernel lacks shows there, and loads the module that it has. */
export type Trial = 'netem' | 'shaper' | 'ifb' | 'redirect' | 'nft';

/** What each trial needs, as the kernel's modules are called. */
export const trialModules: Readonly<Record<Trial, readonly string[]>> = {
  netem: ['sch_netem'],
  shaper: ['sch_htb', 'cls_u32'],
  ifb: ['ifb'],
  redirect: ['sch_ingress', 'cls_u32', 'act_mirred'],
  nft: ['nf_tables'],
};

/** What cannot be done without them. */
export const kernelNeeds: readonly KernelNeed[] = [
  { modules: trialModules.netem, without: 'net can only limit the rate, partition and reject' },
  { modules: trialModules.shaper, without: 'net can only partition and reject' },
  {
    modules: [...new Set([...trialModules.ifb, ...trialModules.redirect])],
    without: 'net can shape only what goes out (--direction egress)',
  },
  { modules: trialModules.nft, without: 'net cannot reject' },
];

function trials(fault: NetFault): Question[] {
  const { shaping, block, direction } = fault;
  const byTc = block !== 'reject';
  const trial = (name: Trial, argv: string[], input?: string): Question => ({
    id: `trial:${name}`,
    verb: 'fresh',
    argv,
    ...(input === undefined ? {} : { input }),
  });
  return [
    ...(shaping && needsNetem(shaping)
      ? [trial('netem', ['tc', 'qdisc', 'add', 'dev', 'lo', 'root', ...netemWords(shaping).split(' ')])]
      : []),
    ...(byTc
      ? [trial('shaper', ['tc', '-batch', '-'], batch(shaperLines('lo', trialLeaf(fault), sample, 'tcp')))]
      : []),
    ...(byTc && direction !== 'egress'
      ? [
          trial('ifb', ['ip', 'link', 'add', 'chaos0', 'type', 'ifb']),
          trial('redirect', ['tc', '-batch', '-'], batch(redirectLines('lo', 'lo'))),
        ]
      : []),
    ...(block ? [trial('nft', ['nft', '-f', '-'], nftScript(trialBlocking(fault, block)))] : []),
  ];
}

/** Without netem, which has a trial of its own. */
function trialLeaf({ shaping }: NetFault): Leaf {
  return shaping ? { rate: shaping.rate ?? { bitsPerSecond: 1e6 } } : 'drop';
}

/** One of everything that rules are made of. */
const sample: Rules = {
  direction: 'egress',
  excluded: [{ family: 4, address: '192.0.2.1', prefix: 32 }],
  matches: [
    {
      cidrs: [
        { family: 4, address: '192.0.2.0', prefix: 24 },
        { family: 6, address: '2001:db8::', prefix: 32 },
      ],
      ports: [{ from: 80, to: 81 }],
      portsOf: 'peer',
    },
  ],
};

function trialBlocking({ direction }: NetFault, block: 'drop' | 'reject'): Blocking {
  const directions = direction === 'both' ? (['egress', 'ingress'] as const) : [direction];
  const rules = directions.map((each) => ({ ...sample, direction: each }));
  return { table: 'kubectl_chaos_trial', block, rules, interfaces: [] };
}

export function batch(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}
