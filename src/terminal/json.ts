import type { ChaosError } from '../errors.ts';
import type { Output, Reporter } from '../ports.ts';
import type { Detached, Fact, Outcome } from '../session/facts.ts';
import { separateWords } from '../text.ts';

/** `-o json`: one document at the end. `-o ndjson`: every fact as it comes, the outcome last. Keys are in snake_case and carry their unit, as the shim's do. */
export class JsonReporter implements Reporter {
  readonly #stdout: Output;
  readonly #stream: boolean;

  constructor(stdout: Output, stream: boolean) {
    this.#stdout = stdout;
    this.#stream = stream;
  }

  report(fact: Fact): void {
    if (fact.kind === 'outcome') this.#write({ kind: 'outcome', ...outcomeDocument(fact.outcome) });
    else if (this.#stream || fact.kind === 'detached') this.#write(factDocument(fact));
  }

  fail(error: ChaosError): void {
    this.#write({
      kind: 'error',
      code: error.code,
      message: error.message,
      ...(error.hint ? { hint: error.hint } : {}),
      state: error.state,
      exit_code: error.exitCode,
    });
  }

  #write(document: Record<string, unknown>): void {
    this.#stdout.write(jsonText(document, this.#stream));
  }
}

/** One document as text, with a newline. */
export function jsonText(document: Record<string, unknown>, onOneLine = false): string {
  const text = JSON.stringify(document, undefined, onOneLine ? undefined : 2);
  // JSON escapes C0 but not C1, and U+009B begins an escape sequence on a terminal as ESC [ does.
  return `${text.replace(/[\u007f-\u009f]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`)}\n`;
}

/** Keys in snake_case, fields that are undefined left out. */
export function documentOf(value: Record<string, unknown>): Record<string, unknown> {
  return snakeCase(value) as Record<string, unknown>;
}

function outcomeDocument(outcome: Outcome): Record<string, unknown> {
  return documentOf({
    id: outcome.id,
    fault: outcome.summary,
    target: outcome.target,
    exitCode: outcome.exitCode,
    // Null: nobody watched it, or nothing counts what it does.
    effective: outcome.watchedMs === 0 || outcome.verdict?.unmeasured ? null : (outcome.verdict?.effective ?? false),
    verdict: outcome.verdict,
    watchedMs: outcome.watchedMs,
    problems: outcome.problems,
    ended: outcome.ended,
    reverted: outcome.reverted,
    revertedBy: outcome.revertedBy,
    left: outcome.left,
    undo: outcome.undo,
    ...(outcome.reverted ? {} : { sweep: outcome.sweep }),
    times: outcome.times,
    // Keys here are names, not fields: they stay as they are.
    requests: new Map(Object.entries(outcome.requests)),
  });
}

function detachedDocument({ summary, commands, requests, ...rest }: Detached): Record<string, unknown> {
  return documentOf({
    kind: 'detached',
    fault: summary,
    ...rest,
    ...commands,
    requests: new Map(Object.entries(requests)),
  });
}

function factDocument(fact: Exclude<Fact, { kind: 'outcome' }>): Record<string, unknown> {
  switch (fact.kind) {
    case 'sample':
      return { kind: 'sample', left_ms: Math.round(fact.leftMs), sample: fact.sample };
    case 'net-sample':
      return documentOf({
        kind: fact.kind,
        leftMs: Math.round(fact.leftMs),
        counters: fact.counters,
        // Null: the latest was not answered.
        roundTripUs: fact.roundTripsDuring.length > 0 ? (fact.roundTripsDuring.at(-1)?.us ?? null) : undefined,
      });
    case 'io-found': {
      const { kind, line, facts, volume } = fact;
      return documentOf({ kind, line, path: facts, volume });
    }
    case 'io-sample': {
      const { path } = fact;
      return documentOf({ kind: fact.kind, leftMs: Math.round(fact.leftMs), sample: fact.sample, path });
    }
    case 'net-planned': {
      const { hit, spared, warnings, probe } = fact.plan;
      return documentOf({ kind: fact.kind, hit, spared, warnings, probe });
    }
    case 'planned':
    case 'launching':
      return documentOf({ kind: fact.kind, id: fact.plan.id, fault: fact.plan.summary, undo: fact.plan.undo });
    case 'watching': {
      const { id, summary, target } = fact.plan;
      return documentOf({ kind: fact.kind, id, fault: summary, target, agoMs: fact.agoMs, leftMs: fact.leftMs });
    }
    case 'detached':
      return detachedDocument(fact.detached);
    case 'active':
      return documentOf({
        kind: 'active',
        target: fact.target,
        activeMs: fact.activeMs,
        ...fact.active,
        event: undefined,
      });
    default:
      return documentOf({ ...fact });
  }
}

function snakeCase(value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(value);
  if (Array.isArray(value)) return value.map(snakeCase);
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .map(([key, field]) => [separateWords(key, '_'), snakeCase(field)]),
  );
}
