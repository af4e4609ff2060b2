import type { Target } from '../../ports.ts';
import { formatCount, formatElapsed, joinWords } from '../../text.ts';
import { formatDuration } from '../../units.ts';
import type { Proof, Verdict } from '../fault.ts';
import type { End } from './aftermath.ts';
import type { KillRun } from './observations.ts';
import { afterMs } from './parse.ts';
import { describeRound, effectOf } from './rounds.ts';
import { describeEnd, signalName } from './signals.ts';
import type { KillFault, SignalAction } from './types.ts';
import { proofRows } from './view.ts';

/** Whether what was asked for was done, and what came of it. Pure. */
export function judgeKill(fault: KillFault, target: Target, own: KillRun): Verdict {
  const { action } = fault;
  const done = action.kind === 'signal' ? judgeSignal(action, own) : judgeDeletion(target, own);
  const after = judgeAfter(fault, target, own);
  const proofs = [done, after];
  const { aftermath, rounds } = own;
  const { first, last, ends, lowestReady, lowestEndpoints, unseen, backOff } = aftermath;
  return {
    effective: proofs.every(({ effective }) => effective),
    ...(done.unmeasured && after.effective ? { unmeasured: true as const } : {}),
    proofs,
    table: proofRows(own),
    document: {
      kill: {
        action: action.kind,
        ...(action.kind === 'signal' ? { rounds } : {}),
        ends,
        disturbances: aftermath.close(),
        newcomers: [...aftermath.newcomers],
        readyPods: { before: first?.readyPods, lowest: lowestReady, after: last?.readyPods },
        services: [...lowestEndpoints].map(([name, lowest]) => ({
          name,
          before: first?.services?.find((service) => service.name === name)?.ready,
          lowest,
          after: last?.services?.find((service) => service.name === name)?.ready,
        })),
        backOff,
        unseen,
      },
    },
  };
}

function judgeSignal(action: SignalAction, { rounds }: KillRun): Proof {
  const sent = rounds.filter(({ skipped }) => skipped === undefined);
  const effects = sent.map(effectOf);
  const effective = sent.length > 0 && effects.every((effect) => effect === 'effective');
  const isUnknown = !effective && sent.length > 0 && !effects.includes('none');
  return {
    what: 'kill',
    effective,
    sentence: signalSentence(action, rounds, effects),
    ...(isUnknown ? { unmeasured: true } : {}),
  };
}

function signalSentence(action: SignalAction, rounds: KillRun['rounds'], effects: readonly string[]): string {
  const [only] = rounds;
  if (rounds.length === 1 && only) return describeRound(only, action);
  const left = rounds.flatMap(({ skipped }) => (skipped === undefined ? [] : [skipped]));
  const name = signalName(action.signal);
  const without = rounds.find((round) => round.skipped === undefined && effectOf(round) !== 'effective');
  const sentences = [
    `${name} was sent ${formatCount(effects.length, 'time')}`,
    ...(left.length === 0
      ? []
      : [`${left.length} of ${rounds.length} were left out (${joinWords([...new Set(left)])})`]),
    ...(without ? [describeRound(without, action)] : []),
  ];
  return sentences.join('; ');
}

function judgeDeletion({ pod }: Target, { aftermath }: KillRun): Proof {
  const { last, newcomers } = aftermath;
  const names = [...newcomers].filter((name) => name !== pod).map((name) => `pod/${name}`);
  const instead = newcomers.has(pod) ? ['another one of its name', ...names] : names;
  const came = instead.length === 0 ? '' : `, and ${joinWords(instead)} came instead`;
  const isThere = last?.pod !== undefined;
  return {
    what: 'kill',
    effective: true,
    sentence: `pod/${pod} was deleted${isThere ? ' and has not ended yet' : ''}${came}`,
  };
}

/** What came after. Unless it was asked for it decides nothing. */
function judgeAfter(fault: KillFault, { container }: Target, { aftermath, rounds }: KillRun): Proof {
  const { readyWithinMs, prospects, action } = fault;
  const disturbances = aftermath.close();
  const late = disturbances.filter(
    ({ readyMs }) => readyMs === undefined || readyMs > (readyWithinMs ?? Number.POSITIVE_INFINITY),
  );
  const isDone =
    action.kind === 'deletion' ? disturbances.length > 0 : rounds.some(({ skipped }) => skipped === undefined);
  const ends = endsSentence(aftermath.ends, container);
  const endpoints = [...aftermath.lowestEndpoints].map(([name, lowest]) => `${name} had ${lowest} ready at least`);
  const parts = [
    ...(ends === undefined ? [] : [ends]),
    recovery(disturbances, afterMs(fault), action.kind === 'deletion' && prospects.keeper === undefined),
    ...(late.length > 0 && aftermath.backOff !== undefined ? [`the kubelet waits (${aftermath.backOff})`] : []),
    ...(endpoints.length === 0 ? [] : [`of endpoints ${joinWords(endpoints)}`]),
  ];
  return {
    what: 'ready',
    effective: readyWithinMs === undefined || (isDone && late.length === 0),
    sentence: `${parts.join('; ')}${readyWithinMs === undefined ? '' : ` (asked for: within ${formatDuration(readyWithinMs)})`}`,
  };
}

function endsSentence(ends: readonly End[], container: string): string | undefined {
  const how = [...new Set(ends.map(describeEnd))];
  if (ends.length === 0) return undefined;
  return `container ${container} ended ${ends.length === 1 ? 'once' : formatCount(ends.length, 'time')}, with ${joinWords(how)}`;
}

function recovery(
  disturbances: ReturnType<KillRun['aftermath']['close']>,
  waitedMs: number,
  isForGood: boolean,
): string {
  if (disturbances.length === 0) return 'the pod stayed as ready as it was';
  if (isForGood) return 'nothing comes in its place';
  const times = disturbances.flatMap(({ readyMs }) => readyMs ?? []);
  const open = disturbances.length - times.length;
  const worst = times.length === 0 ? undefined : formatElapsed(Math.max(...times));
  const again = worst === undefined ? [] : [`ready again after ${times.length === 1 ? worst : `${worst} at most`}`];
  return [...again, ...(open > 0 ? [`not ready again within ${formatDuration(waitedMs)}`] : [])].join('; ');
}
