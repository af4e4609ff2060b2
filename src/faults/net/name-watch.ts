import { applyLine, askLine, type Question } from '../../shim/commands.ts';
import type { FaultRun } from '../fault.ts';
import { followNames } from './names.ts';
import type { NetRun } from './observations.ts';
import { nameQuestions } from './questions.ts';
import type { Answer, NetFault, NetPlan } from './types.ts';

/** Between two looks at names that may have got other addresses. */
const lookMs = 10_000;

/** Asks again and again for the addresses of the peers that were given by name, and has the fault extended to those that are new. */
export class NameWatch {
  readonly #run: FaultRun<NetFault, NetRun>;
  readonly #questions: readonly Question[];
  /** What the shim is known to have applied. */
  #plan: NetPlan;
  #lastLookAt: number;
  readonly #answers = new Map<string, Answer>();
  /** Applied as soon as this question is answered, since lines are read in their order; lost with a stream, it is worked out and sent again. */
  #extension: { id: string; plan: NetPlan } | undefined;
  #extensions = 0;

  constructor(run: FaultRun<NetFault, NetRun>, plan: NetPlan) {
    this.#run = run;
    this.#questions = nameQuestions(run.plan.fault);
    this.#plan = plan;
    this.#lastLookAt = run.clock.now();
  }

  /** Asks, when it is time to. */
  look(): void {
    const now = this.#run.clock.now();
    if (this.#questions.length === 0 || now - this.#lastLookAt < lookMs) return;
    this.#lastLookAt = now;
    this.#answers.clear();
    for (const question of this.#questions) this.#run.send(askLine(question));
  }

  onAnswer(answer: Answer): void {
    if (answer.id === this.#extension?.id) {
      this.#confirm(this.#extension.plan);
    } else if (this.#questions.some(({ id }) => id === answer.id)) {
      this.#answers.set(answer.id, answer);
      if (this.#answers.size === this.#questions.length) this.#extend();
    }
  }

  #extend(): void {
    const { plan, steps } = followNames(this.#run.plan.fault, this.#plan, this.#answers);
    this.#answers.clear();
    if (steps.length === 0 || this.#run.stopAskedAt !== undefined) return;
    this.#extension = { id: `extended:${++this.#extensions}`, plan };
    for (const step of steps) this.#run.send(applyLine(step));
    this.#run.send(askLine({ id: this.#extension.id, verb: 'ask', argv: ['tc', '-Version'] }));
  }

  #confirm(plan: NetPlan): void {
    const isNew = (line: string) => !this.#plan.affected.includes(line);
    const added = plan.affected.filter(isNew);
    this.#plan = plan;
    this.#extension = undefined;
    const message = `DNS changed: other addresses are affected as well${added.length > 0 ? `: ${added.join('; ')}` : ''}`;
    this.#run.report({ kind: 'warning', message });
  }
}
