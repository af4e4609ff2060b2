import { expect } from 'vitest';
import {
  agentsOf,
  deletePod,
  force,
  type Killer,
  type Killers,
  type Phase,
  type Run,
  recordless,
  signalAll,
} from './matrix.ts';
import { agentAndShims, type HostProcess, isGuardian, ourProcesses } from './node.ts';

/** Several targets on one node: one agent pod, whose process has begun a shim for each of them. */
const targets = 3;

/** Armed, active, and ending: what the pod's start is to one target it is to several. */
const at = ['resolved', 'active', 'stopping'];

/** Whom a killer hits: one of the targets, or all of them. */
interface SeveralKiller extends Killer {
  hits: 'one' | 'all';
  /** What is hit goes on all the same. */
  isHarmless?: true;
}

/** By -9. Fails where there are not as many as there should be, unless they may have ended. */
async function killOne(of: readonly HostProcess[], among: number, run: Run): Promise<void> {
  if (!run.isEnding) expect(of, JSON.stringify(of)).toHaveLength(among);
  await signalAll('KILL', of.slice(0, 1));
}

const several: Readonly<Record<string, SeveralKiller>> = {
  'plugin -9': {
    act: ({ plugin }) => plugin.kill('SIGKILL'),
    codes: { before: [], active: [], after: [] },
    hits: 'all',
  },
  'connection broken once': {
    act: ({ proxy }) => proxy.breakAll(),
    codes: { active: [0] },
    hits: 'one',
    isHarmless: true,
  },
  'agent -9': {
    act: (run) => agentAndShims(run.scope).then(({ agent }) => killOne(agent, 1, run)),
    codes: { before: [1], active: [3, 4], after: [130, 3, 4] },
    hits: 'all',
  },
  'one shim -9': {
    act: (run) => agentAndShims(run.scope).then(({ shims }) => killOne(shims, targets, run)),
    codes: { before: [1], active: [3], after: [130, 3] },
    goesOn: true,
    hits: 'one',
  },
  'one guardian -9': {
    act: async (run) => killOne((await ourProcesses(run.scope)).filter(isGuardian), targets, run),
    codes: { active: [0], after: [130] },
    hits: 'one',
    isHarmless: true,
  },
  'agent pod force-deleted': {
    act: (run) => deletePod(run.namespace, ...agentsOf(run), ...force),
    codes: recordless,
    hits: 'all',
  },
};

const named = (name: string) => `of ${targets}: ${name}`;

/** As those of one target; by names of their own. */
export const severalKillers: Killers = Object.fromEntries(
  Object.entries(several).map(([name, killer]) => [named(name), { ...killer, targets, at }]),
);

/** The plugin's last line. */
interface Last {
  kind: string;
  exit_code: number;
  message?: string;
  targets?: readonly {
    target: { pod: string };
    effective: boolean | null;
    reverted: boolean;
    problems: readonly string[];
    ended?: { reason: string };
  }[];
}

/** What became of each target is what src/README.md says of what happens to one of several. */
export function expectOfSeveral(run: Run, name: string, phase: Phase): void {
  const killer = Object.entries(several).find(([each]) => named(each) === name)?.[1];
  const last = run.facts.at(-1) as unknown as Last;
  if (!killer || killer.codes[phase]?.length === 0) return;
  const said = run.plugin.said;
  if (phase === 'before') {
    expect(last.kind, said).toBe('error');
    expect(
      run.facts.filter(({ kind }) => kind === 'active'),
      'none is begun',
    ).toEqual([]);
    expect(last.message, said).toMatch(new RegExp(`^pod/(?:${run.pods.join('|')}) \\(app\\): `));
    return;
  }
  expect(last.targets, said).toHaveLength(run.pods.length);
  const all = last.targets ?? [];
  if (last.exit_code !== 4)
    expect(
      all.filter(({ reverted }) => !reverted),
      said,
    ).toEqual([]);
  if (phase === 'after') return;
  const failed = all.filter(({ problems }) => problems.length > 0);
  expect(failed, said).toHaveLength(killer.isHarmless ? 0 : killer.hits === 'one' ? 1 : run.pods.length);
  for (const { ended, effective } of all.filter((each) => !failed.includes(each))) {
    expect(ended?.reason, said).toBe('deadline');
    expect(effective, said).toBe(true);
  }
}
