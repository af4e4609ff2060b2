import { ChaosError } from '../../errors.ts';

/** What a look at something came to. `unknown`: not known from here, as a rule for want of a right, or because only the node can tell. */
export type State = 'ok' | 'warning' | 'problem' | 'unknown';

/** One line of `doctor`. */
export interface Finding {
  /** What was looked at, in a word or two. */
  check: Check;
  state: State;
  /** What was found, in one line. */
  finding: string;
  /** What to do now: a command or a sentence. */
  remedy?: string;
}

/** What is looked at, in the order of the lines. */
export const checks = [
  'server',
  'credentials',
  'clock',
  'rights',
  'websocket',
  'target',
  'protection',
  'node',
  'platform',
  'kernel',
  'heartbeat',
  'room',
  'pod security',
  'agent pod',
  'experiments',
  'limits',
  'oom',
  'probes',
  'replicas',
  'mesh',
  'network',
] as const;

export type Check = (typeof checks)[number];

/** Findings of one check. */
export function of(check: Check) {
  const make =
    (state: State) =>
    (finding: string, remedy?: string): Finding => ({
      ...{ check, state, finding },
      ...(remedy === undefined ? {} : { remedy }),
    });
  return { ok: make('ok'), warning: make('warning'), problem: make('problem'), unknown: make('unknown') };
}

/** Something that could not be learnt, and why. */
export interface Unknown {
  unknown: ChaosError;
}

export type Known<Facts> = { known: Facts } | Unknown;

/** Waits for facts; what is rejected with a ChaosError is not known. */
export async function known<Facts>(facts: Promise<Facts>): Promise<Known<Facts>> {
  try {
    return { known: await facts };
  } catch (unknown) {
    if (unknown instanceof ChaosError) return { unknown };
    throw unknown;
  }
}

/** The facts if they are known. */
export function ifKnown<Facts>(facts: Known<Facts> | undefined): Facts | undefined {
  return facts !== undefined && 'known' in facts ? facts.known : undefined;
}

/** Judges facts, or says why they are not known. */
export function judged<Facts>(check: Check, facts: Known<Facts>, judge: (facts: Facts) => Finding[]): Finding[] {
  if ('known' in facts) return judge(facts.known);
  const { message, hint } = facts.unknown;
  return [of(check).unknown(message, hint)];
}

/** Findings by the order of their checks; of one check as they come. */
export function inOrder(findings: readonly Finding[]): Finding[] {
  return findings.toSorted((one, other) => checks.indexOf(one.check) - checks.indexOf(other.check));
}
