import { ExitCode } from '../errors.ts';
import type { Verdict } from '../faults/fault.ts';
import type { InterruptSignal } from '../ports.ts';
import { signalExitCodes } from './interrupt.ts';

/** The one place where the exit code of a run that got as far as the cluster is decided. The worst that happened wins. */
export function decideExitCode(end: {
  reverted: boolean;
  left: number;
  interrupted: InterruptSignal | undefined;
  began: boolean;
  problems: number;
  verdict: Verdict | 'unmeasured' | undefined;
}): number {
  if (!end.reverted || end.left > 0) return ExitCode.notReverted;
  if (end.began && end.problems > 0) return ExitCode.notEffective;
  if (end.interrupted) return signalExitCodes[end.interrupted];
  if (!end.began) return ExitCode.notInjected;
  // Of a detached fault that nobody watched it is known how it ended, and nothing that speaks against it.
  if (end.verdict === 'unmeasured') return ExitCode.effective;
  return end.verdict?.effective ? ExitCode.effective : ExitCode.notEffective;
}

/** Of several targets: something left, then no effect, then a signal. Of some that were begun and others that were not, it is no effect: something was changed. */
export function worstExitCode(codes: readonly number[]): number {
  const isSignal = (code: number) => Object.values(signalExitCodes).includes(code);
  const rank = (code: number) =>
    code === ExitCode.notReverted ? 4 : code === ExitCode.notEffective ? 3 : isSignal(code) ? 2 : code === 0 ? 0 : 1;
  const worst = codes.toSorted((one, other) => rank(other) - rank(one))[0] ?? ExitCode.effective;
  const isMixed = worst === ExitCode.notInjected && codes.some((code) => code !== worst);
  return isMixed ? ExitCode.notEffective : worst;
}
