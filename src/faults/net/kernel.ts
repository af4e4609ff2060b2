import { ChaosError } from '../../errors.ts';
import { firstLine, joinWords } from '../../text.ts';
import { describeEffect } from './describe.ts';
import { rootHandle } from './filters.ts';
import { type Trial, trialModules } from './questions.ts';
import type { Surface } from './surface.ts';
import type { Answer, NetFault } from './types.ts';

/** Refusals that need nothing but what the node and the target's network say of themselves. All throw ChaosError `target-unsuitable`. */

/** By what the fault is done: nf_tables to drop and reject, else tc. Refuses what this kernel, or these tools, cannot do. */
export function chooseTool(fault: NetFault, answers: ReadonlyMap<string, Answer>): 'tc' | 'nft' {
  if (fault.block && succeeded('nft', answers)) return 'nft';
  if (fault.block === 'reject') throw missing('nft', fault, answers);
  const needed: Trial[] = [
    ...(answers.has('trial:netem') ? (['netem'] as const) : []),
    'shaper',
    ...(fault.direction === 'egress' ? [] : (['ifb', 'redirect'] as const)),
  ];
  const failed = needed.find((trial) => !succeeded(trial, answers));
  if (failed !== undefined) throw missing(failed, fault, answers);
  return 'tc';
}

function succeeded(trial: Trial, answers: ReadonlyMap<string, Answer>): boolean {
  return answers.get(`trial:${trial}`)?.exitCode === 0;
}

function missing(trial: Trial, fault: NetFault, answers: ReadonlyMap<string, Answer>): ChaosError {
  const modules = trialModules[trial];
  const said = firstLine(answers.get(`trial:${trial}`)?.stderr);
  const instead =
    trial === 'netem'
      ? 'without it --rate, --partition and --reject still work'
      : trial === 'nft'
        ? 'without it --partition still works'
        : fault.direction === 'egress'
          ? ''
          : '--direction egress needs less';
  return new ChaosError(
    'target-unsuitable',
    `${describeEffect(fault)} cannot be done on this node: its kernel has no ${joinWords(modules)}${said === '' ? '' : ` (${said})`}`,
    {
      hint: `Have the module loaded on the node: modprobe ${modules.join(' ')}${instead === '' ? '' : `; ${instead}`}.`,
    },
  );
}

/** Refuses where an experiment is at work already, or one has left something. */
export function refuseOthers({ qdiscs, links, tables }: Surface, hint: string): void {
  const link = links.find(({ name }) => /^chaos[a-z0-9]{5}\d+$/.test(name))?.name;
  const table = tables.find((name) => name.startsWith('kubectl_chaos_'));
  const qdisc = qdiscs.find(({ handle, isRoot }) => isRoot && handle === rootHandle);
  if (link === undefined && table === undefined && !qdisc) return;
  const suffix = table?.slice('kubectl_chaos_'.length) ?? link?.slice('chaos'.length, 'chaos'.length + 5);
  const found = [
    ...(qdisc ? [`qdisc ${rootHandle} on ${qdisc.device}`] : []),
    ...(link === undefined ? [] : [`link ${link}`]),
    ...(table === undefined ? [] : [`table ${table}`]),
  ];
  throw new ChaosError(
    'target-unsuitable',
    `another experiment${suffix === undefined ? '' : `, chaos-${suffix},`} already affects this pod's network, or left resources in it: ${joinWords(found)}`,
    { hint },
  );
}

/** Refuses interfaces whose queueing somebody else has set up: taking it over would lose it. */
export function refuseForeign({ qdiscs }: Surface, devices: readonly string[], ingress: boolean): void {
  for (const device of devices) {
    // What the kernel makes by itself, and makes anew when ours is gone, has handle 0.
    const root = qdiscs.find((qdisc) => qdisc.device === device && qdisc.isRoot && qdisc.handle !== '0:');
    if (root) throw foreign(device, `has a root qdisc that is not ours, ${root.kind} ${root.handle}`);
    const incoming = qdiscs.find(({ kind, device: of }) => of === device && (kind === 'ingress' || kind === 'clsact'));
    if (ingress && incoming) throw foreign(device, `has an ingress qdisc that is not ours, ${incoming.kind}`);
  }
}

function foreign(device: string, what: string): ChaosError {
  return new ChaosError('target-unsuitable', `interface ${device} ${what}, which this fault would have to replace`, {
    hint: 'A bandwidth plugin or a service mesh may have made it. --partition and --reject do not need it; or choose another --interface.',
  });
}
