import { ChaosError } from '../../errors.ts';
import { quote } from '../../flags/values.ts';
import type { MatchFacts, Resolved } from '../../shim/protocol.ts';
import { formatProcesses, joinWords } from '../../text.ts';
import { BaselineSetup } from '../common/baseline.ts';
import { howCompared } from '../common/pattern.ts';
import { baselineMs } from '../common/timeouts.ts';
import type { Driver } from '../fault.ts';
import { PauseDriver } from './driver.ts';
import type { PauseFault } from './types.ts';

/** What the shim keeps of those that it stops (native/target/processes.h). */
const mostProcesses = 512;

/** Before a pause: says who is meant, refuses where nobody can be stopped, and measures the target by itself. */
export class PauseSetup extends BaselineSetup<PauseFault, object> {
  protected review({ match }: Resolved): boolean {
    const { plan } = this.run;
    const asked = plan.fault.match;
    if (asked === undefined) return true;
    if (!match) {
      this.run.fail(new ChaosError('shim', 'the shim did not report which processes --match means'));
      return false;
    }
    const refusal = refusalOf(asked, match, plan.target.container);
    if (refusal) {
      this.run.refuse(new ChaosError('target-unsuitable', refusal.message, { hint: refusal.hint }));
      return false;
    }
    const line = describeMatch(match);
    this.run.report({
      ...{ kind: 'announced', lines: [`stopped  ${line}`], notes: [] },
      document: { kind: 'pause-match', line, ...match },
    });
    return true;
  }

  protected get isMeasured(): boolean {
    return this.run.baselineMs >= baselineMs;
  }

  protected driver(): Driver {
    return new PauseDriver(this.run);
  }
}

function refusalOf(
  asked: string,
  { processes, stopped }: MatchFacts,
  container: string,
): { message: string; hint: string } | undefined {
  const where = `of container ${container}`;
  if (processes === 0) {
    return {
      message: `--match ${quote(asked)} means no process ${where}`,
      hint: `It means the processes ${howCompared}: "*worker*".`,
    };
  }
  if (processes === stopped) {
    const all = processes === 1 ? 'the one process' : `all ${processes} processes`;
    return {
      message: `${all} ${where} that --match ${quote(asked)} means had been stopped before, by somebody else`,
      hint: 'Continue them first (SIGCONT).',
    };
  }
  if (processes > mostProcesses) {
    return {
      message: `--match ${quote(asked)} means ${processes} processes ${where}, more than ${mostProcesses}`,
      hint: 'Mean fewer, or leave out --match: the whole container is paused then.',
    };
  }
  return undefined;
}

/** `3 processes: nginx (pid 12), nginx (pid 13) and 1 more; …`; pids are the node's. */
function describeMatch({ processes, stopped, first }: MatchFacts): string {
  const shown = first.slice(0, 4).map(({ pid, comm }) => `${comm} (pid ${pid} on the node)`);
  const more = processes - shown.length;
  const names = joinWords([...shown, ...(more > 0 ? [`${more} more`] : [])]);
  const before =
    stopped === 0 ? '' : `; ${stopped} of them had been stopped before, and ${stopped === 1 ? 'is' : 'are'} left alone`;
  return `${formatProcesses(processes)}: ${names}${before}`;
}
