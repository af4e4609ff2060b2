import { applyLine, clearLine, compareLine, countLine, type Question, undoLine } from '../../shim/commands.ts';
import type { AnswerEvent } from '../../shim/protocol.ts';
import { listenId } from './sources.ts';
import type { Answer, Listening, NetPlan } from './types.ts';

/** What the run of a net fault says to the shim and hears from it, besides start, beat and stop. Pure. */

/** All that the shim has to know of a plan before `start`, the undo first: nothing is applied without it. */
export function planLines(plan: NetPlan): string[] {
  return [
    clearLine,
    ...plan.undo.map(undoLine),
    ...plan.compare.map(({ id, argv }) => compareLine(id, argv)),
    ...plan.count.map(({ id, argv }) => countLine(id, argv)),
    ...plan.apply.map(applyLine),
  ];
}

/** Asks for one round trip to the plan's peer. */
export function connectQuestion(id: string, { address, port }: NonNullable<NetPlan['probe']>): Question {
  return { id, verb: 'connect', argv: [address, String(port)] };
}

/** Asks who probes the target. */
export function listenQuestion({ ms, ports, known }: Listening): Question {
  return { id: listenId, verb: 'listen', argv: [String(ms), ...ports.map(String), ...known] };
}

export function describeQuestion({ verb, argv }: Question): string {
  return `"${verb} ${argv.join(' ')}"`;
}

export function toAnswer({ id, exitCode, stdout, stderr, elapsedUs }: AnswerEvent): Answer {
  return { id, exitCode, stdout, stderr, elapsedUs };
}
