import { stringify } from 'yaml';
import type { ChaosError } from '../errors.ts';
import type { Reporter, RunEvent, TargetEvent } from '../experiment/events.ts';
import { allReverted, type Detached, type Outcome, type TargetOutcome } from '../experiment/outcome.ts';
import type { Scope } from '../experiment/plan.ts';
import type { Verdict } from '../faults/fault.ts';
import type { Output, Selection, Target } from '../ports.ts';
import { apiVersion, type OutputFormat } from '../requests.ts';
import { separateWords } from '../text.ts';

/** How a document is written: `ndjson` is JSON on one line. */
export type DocumentFormat = Exclude<OutputFormat, 'human'>;

/**
 * `-o json` and `-o yaml`: one document at the end. `-o ndjson`: every event as it comes, the outcome last. README.md
 * says what is in them.
 */
export class DocumentReporter implements Reporter {
  readonly #stdout: Output;
  readonly #format: DocumentFormat;

  constructor(stdout: Output, format: DocumentFormat) {
    this.#stdout = stdout;
    this.#format = format;
  }

  report(event: RunEvent): void {
    if (event.kind === 'outcome') this.#write({ kind: 'outcome', ...outcomeDocument(event.outcome) });
    else if (this.#format === 'ndjson' || event.kind === 'detached') this.#write(eventDocument(event));
  }

  #write(document: Record<string, unknown>): void {
    this.#stdout.write(documentText(document, this.#format));
  }
}

/** An error that ends a command. */
export function errorDocument(error: ChaosError, format: DocumentFormat): string {
  const { code, message, hint, state, exitCode } = error;
  return documentText({ kind: 'error', code, message, ...(hint ? { hint } : {}), state, exit_code: exitCode }, format);
}

/** With what says of what kind a document is, as everything in Kubernetes does: `kind` is its own. */
export function versioned(document: Record<string, unknown>): Record<string, unknown> {
  return { apiVersion, ...document };
}

/** One document as text, with a newline. */
export function documentText(document: Record<string, unknown>, format: DocumentFormat): string {
  const whole = versioned(document);
  const text =
    format === 'yaml'
      ? stringify(whole, { lineWidth: 0, aliasDuplicateObjects: false, blockQuote: false })
      : `${JSON.stringify(whole, undefined, format === 'json' ? 2 : undefined)}\n`;
  // JSON escapes C0 but not C1, and U+009B begins an escape sequence on a terminal as ESC [ does. In YAML what has
  // either stands in double quotes, with the same escapes.
  return text.replace(/[\u007f-\u009f]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`);
}

/** Keys in snake_case, fields that are undefined left out. */
export function documentOf(value: Record<string, unknown>): Record<string, unknown> {
  return snakeCase(value) as Record<string, unknown>;
}

function outcomeDocument(outcome: Outcome): Record<string, unknown> {
  return documentOf({
    id: outcome.id,
    cluster: outcome.cluster,
    exitCode: outcome.exitCode,
    ...scopeDocument(outcome.scope),
    targets: outcome.targets.map(targetOf),
    left: outcome.left,
    undo: outcome.undo,
    ...(allReverted(outcome) ? {} : { sweep: outcome.sweep }),
    times: outcome.times,
    // Keys here are names, not fields: they stay as they are.
    requests: new Map(Object.entries(outcome.requests)),
  });
}

function targetOf({ target, summary, verdict, ...rest }: TargetOutcome): Record<string, unknown> {
  // Null: nobody watched it, or nothing counts what it does.
  const effective = rest.watchedMs === 0 || verdict?.unmeasured ? null : (verdict?.effective ?? false);
  return { target, fault: summary, effective, verdict: verdict && verdictOf(verdict), ...rest };
}

function verdictOf({ effective, unmeasured, proofs, document }: Verdict): Record<string, unknown> {
  return { effective, unmeasured, proofs, ...document };
}

/** Absent of what another command has selected. */
export function scopeDocument(scope: Scope | undefined): Record<string, unknown> {
  if (!scope) return {};
  const { seed, skipped, impact } = scope;
  return { selection: { seed, skipped }, impact };
}

function detachedDocument({ targets, commands, requests, scope, ...rest }: Detached): Record<string, unknown> {
  return documentOf({
    kind: 'detached',
    ...rest,
    ...scopeDocument(scope),
    targets: targets.map(({ target, summary }) => ({ target, fault: summary })),
    ...commands,
    requests: new Map(Object.entries(requests)),
  });
}

/** Which of the targets: what is known of each is told when it is selected, and by the outcome. */
function referenceTo({ namespace, pod, container }: Target): Record<string, unknown> {
  return { namespace, pod, container };
}

/** Names as they are typed: `deployment/web`. */
function selectionDocument({ from, take, seed, ...rest }: Selection): Record<string, unknown> {
  const { container, allContainers, skipUnsuitable, allowSystem } = rest;
  const source =
    'labels' in from ? { selector: from.labels } : { targets: from.map(({ kind, name }) => `${kind}/${name}`) };
  return { ...source, take, seed, container, allContainers, skipUnsuitable, allowSystem };
}

function eventDocument(event: Exclude<RunEvent, { kind: 'outcome' }>): Record<string, unknown> {
  switch (event.kind) {
    case 'selecting': {
      const { selection, ...rest } = event;
      return documentOf({ ...rest, selection: selectionDocument(selection) });
    }
    case 'planned':
    case 'launching': {
      const { plans } = event;
      const [{ id, undo, endAll }] = plans;
      const targets = plans.map(({ target, summary }) => ({ target: referenceTo(target), fault: summary }));
      return documentOf({ kind: event.kind, id, targets, undo, endAll });
    }
    case 'detached':
      return detachedDocument(event.detached);
    case 'selected':
      return documentOf({ ...event });
    default:
      return 'target' in event ? targetDocument(event) : documentOf({ ...event });
  }
}

function targetDocument(event: TargetEvent & { target: Target }): Record<string, unknown> {
  const target = referenceTo(event.target);
  switch (event.kind) {
    case 'announced':
    case 'happened': {
      const { kind, ...document } = event.document;
      return documentOf({ kind, target, ...document });
    }
    case 'sample': {
      const { kind, ...document } = event.document;
      return documentOf({ kind, target, leftMs: Math.round(event.leftMs), ...document });
    }
    case 'watching': {
      const { id, summary } = event.plan;
      return documentOf({ kind: event.kind, id, target, fault: summary, agoMs: event.agoMs, leftMs: event.leftMs });
    }
    case 'active': {
      const { event: _event, ...active } = event.active;
      return documentOf({ kind: 'active', target, activeMs: event.activeMs, ...active });
    }
    default: {
      const { kind, ...rest } = event;
      return documentOf({ kind, ...rest, target });
    }
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
