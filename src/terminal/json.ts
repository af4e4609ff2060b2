import type { ChaosError } from '../errors.ts';
import type { Reporter, RunEvent } from '../experiment/events.ts';
import type { Detached, Outcome } from '../experiment/outcome.ts';
import type { Verdict } from '../faults/fault.ts';
import type { Output } from '../ports.ts';
import { separateWords } from '../text.ts';

/** `-o json`: one document at the end. `-o ndjson`: every event as it comes, the outcome last. Keys are in snake_case and carry their unit, as the shim's do. */
export class JsonReporter implements Reporter {
  readonly #stdout: Output;
  readonly #stream: boolean;

  constructor(stdout: Output, stream: boolean) {
    this.#stdout = stdout;
    this.#stream = stream;
  }

  report(event: RunEvent): void {
    if (event.kind === 'outcome') this.#write({ kind: 'outcome', ...outcomeDocument(event.outcome) });
    else if (this.#stream || event.kind === 'detached') this.#write(eventDocument(event));
  }

  #write(document: Record<string, unknown>): void {
    this.#stdout.write(jsonText(document, this.#stream));
  }
}

/** An error that ends a command. */
export function errorDocument(error: ChaosError, onOneLine: boolean): string {
  const { code, message, hint, state, exitCode } = error;
  return jsonText({ kind: 'error', code, message, ...(hint ? { hint } : {}), state, exit_code: exitCode }, onOneLine);
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
    verdict: outcome.verdict && verdictOf(outcome.verdict),
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

function verdictOf({ effective, unmeasured, proofs, document }: Verdict): Record<string, unknown> {
  return { effective, unmeasured, proofs, ...document };
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

function eventDocument(event: Exclude<RunEvent, { kind: 'outcome' }>): Record<string, unknown> {
  switch (event.kind) {
    case 'announced':
      return documentOf(event.document);
    case 'sample': {
      const { kind, ...document } = event.document;
      return documentOf({ kind, leftMs: Math.round(event.leftMs), ...document });
    }
    case 'planned':
    case 'launching':
      return documentOf({ kind: event.kind, id: event.plan.id, fault: event.plan.summary, undo: event.plan.undo });
    case 'watching': {
      const { id, summary, target } = event.plan;
      return documentOf({ kind: event.kind, id, fault: summary, target, agoMs: event.agoMs, leftMs: event.leftMs });
    }
    case 'detached':
      return detachedDocument(event.detached);
    case 'active':
      return documentOf({
        kind: 'active',
        target: event.target,
        activeMs: event.activeMs,
        ...event.active,
        event: undefined,
      });
    default:
      return documentOf({ ...event });
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
