import { ChaosError } from '../../errors.ts';
import { type Cidr, contains, singleAddress } from '../../ip.ts';
import type { Step } from '../../shim/commands.ts';
import { firstLine } from '../../text.ts';
import { filtersOf, maxFilters } from './layout.ts';
import { addressSets, nftElements } from './nft.ts';
import { describeAffected, describeExcluded } from './preview.ts';
import { batch, hostNames } from './questions.ts';
import { type Names, type Rules, rulesOf } from './rules.ts';
import type { Answer, NetBasis, NetFault, NetPlan } from './types.ts';

/** The addresses of the host names that the target could resolve. */
function readNames(fault: NetFault, answers: ReadonlyMap<string, Answer>): Record<string, Cidr[]> {
  const found: Record<string, Cidr[]> = {};
  for (const name of hostNames(fault)) {
    const answer = answers.get(`lookup:${name}`);
    // A link-local address comes with the interface that it is valid on.
    const lines =
      answer?.exitCode === 0 ? answer.stdout.split('\n').map((line) => line.trim().replace(/%.*$/, '')) : [];
    const cidrs = lines.flatMap((line) => singleAddress(line) ?? []);
    if (cidrs.length > 0) found[name] = cidrs;
  }
  return found;
}

/** As the target resolves them now. Throws ChaosError `target-unsuitable` for a name that it cannot. */
export function resolveNames(fault: NetFault, answers: ReadonlyMap<string, Answer>): Names {
  const found = readNames(fault, answers);
  const unknown = hostNames(fault).find((name) => !Object.hasOwn(found, name));
  if (unknown === undefined) return found;
  const said = firstLine(answers.get(`lookup:${unknown}`)?.stderr);
  throw new ChaosError(
    'target-unsuitable',
    `the target cannot resolve ${JSON.stringify(unknown)}${said === '' ? '' : `: ${said}`}`,
    {
      hint: 'It is resolved with the resolv.conf and the hosts file of the container. A service is named svc/NAME, a pod pod/NAME.',
    },
  );
}

/**
 * Extends a fault that is in force to the new addresses of its host names. Those that a name has no more stay affected: connections to them go on. No
 * steps: nothing is new.
 */
export function followNames(
  fault: NetFault,
  plan: NetPlan,
  answers: ReadonlyMap<string, Answer>,
): { plan: NetPlan; steps: Step[] } {
  const before = plan.basis.names;
  const names: Record<string, readonly Cidr[]> = { ...before };
  for (const [name, cidrs] of Object.entries(readNames(fault, answers))) {
    const known = before[name] ?? [];
    names[name] = [...known, ...cidrs.filter((cidr) => !known.some((other) => contains(other, cidr)))];
  }
  const basis = { ...plan.basis, names };
  const [old, rules] = [rulesOf(fault, before, basis.sources), rulesOf(fault, names, basis.sources)];
  const input =
    basis.by.tool === 'nft' ? newElements(basis.by.table, old, rules) : newFilters(fault, basis, old, rules);
  if (input === '') return { plan, steps: [] };
  return {
    plan: { ...plan, basis, affected: describeAffected(fault, basis, rules), excluded: describeExcluded(fault, basis) },
    steps: [{ argv: basis.by.tool === 'nft' ? ['nft', '-f', '-'] : ['tc', '-batch', '-'], input }],
  };
}

function newElements(table: string, old: readonly Rules[], rules: readonly Rules[]): string {
  const known = new Map(addressSets(old).map(({ name, cidrs }) => [name, cidrs]));
  const isNew = (name: string, cidr: Cidr) => !known.get(name)?.some((other) => contains(other, cidr));
  return nftElements(
    table,
    addressSets(rules).map((set) => ({ ...set, cidrs: set.cidrs.filter((cidr) => isNew(set.name, cidr)) })),
  );
}

function newFilters(fault: NetFault, basis: NetBasis, old: readonly Rules[], rules: readonly Rules[]): string {
  const all = filtersOf(fault, basis, rules);
  if (all.length > maxFilters) return '';
  const known = new Set(filtersOf(fault, basis, old));
  const added = all.filter((line) => !known.has(line));
  return added.length > 0 ? batch(added) : '';
}
