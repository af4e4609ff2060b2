import { stripVTControlCharacters } from 'node:util';
import type { ChaosError } from '../errors.ts';
import type { RunEvent } from '../experiment/events.ts';
import type { Impact } from '../experiment/impact.ts';
import { allReverted, type Outcome, type TargetOutcome } from '../experiment/outcome.ts';
import type { RunPlan } from '../experiment/plan.ts';
import { targetName } from '../faults/common/cells.ts';
import type { Verdict } from '../faults/fault.ts';
import type { ClusterName, Selection, Skipped, Target } from '../ports.ts';
import { formatCount, formatElapsed, formatMegabytes, joinWords, shellWord } from '../text.ts';

/** The sentences of the human reporters. Pure: a event in, text out. */

export function cluster({ context, server }: ClusterName): string {
  return context === undefined ? server : `${context} (${server})`;
}

/** What is looked up. */
export function selection({ from }: Pick<Selection, 'from'>): string {
  return 'labels' in from ? `-l ${from.labels}` : from.map(({ kind, name }) => `${kind}/${name}`).join(', ');
}

export function selected(target: Target): string {
  const { workload, runningPods, seed } = target.chosenFrom ?? {};
  const by = seed === undefined ? '' : ` (--seed ${shellWord(seed)})`;
  const chosen = workload === undefined ? '' : `, one of ${runningPods} running of ${workload}${by}`;
  return `${targetName(target)} in ${target.namespace} on ${target.node}${chosen}`;
}

const shown = 5;

/** Pods that are left out, those that are first, with the reasons. */
export function skipped(pods: readonly Skipped[]): string {
  const each = pods.slice(0, shown).map(({ pod, why }) => `${pod}: ${why}`);
  const more = pods.length > shown ? [`and ${pods.length - shown} more`] : [];
  return `left out: ${[...each, ...more].join('; ')}`;
}

/**
 * What a selection means beyond it, a line each: of one target all in one line, and nothing where there is nothing to say of it.
 */
export function impact({ pods, containers, nodes, workloads, brokenBudgets, unknown }: Impact): string[] {
  const each = [
    ...atMost(workloads.map(hitOf)),
    ...atMost(
      brokenBudgets.map(
        ({ name, healthyLeft, needed }) =>
          `may break PodDisruptionBudget ${name}: ${needed} healthy needed, ${healthyLeft} left`,
      ),
    ),
    ...(unknown.length === 0 ? [] : [`not known: ${unknown.join('; ')}`]),
  ];
  if (containers === 1) return each.length === 0 ? [] : [each.join('; ')];
  const of = containers === pods ? '' : ` (${formatCount(containers, 'container')})`;
  return [`${formatCount(pods, 'pod')}${of} on ${formatCount(nodes, 'node')}`, ...each];
}

function hitOf({ name, hit, ready, readyLeft }: Impact['workloads'][number]): string {
  if (readyLeft > 0) return `${hit} of ${ready} ready pods of ${name}`;
  return hit === 1 ? `the only ready pod of ${name}` : `all ${hit} ready pods of ${name}`;
}

function atMost(lines: readonly string[]): string[] {
  return lines.length > shown ? [...lines.slice(0, shown), `and ${lines.length - shown} more`] : [...lines];
}

export function active({ target, where, activeMs }: Extract<RunEvent, { kind: 'active' }>): string {
  return [`active after ${formatElapsed(activeMs)}`, `${targetName(target)} on ${target.node}`, ...where].join('   ');
}

/** Of one that was done by a request. */
export function injected({ target, what, activeMs }: Extract<RunEvent, { kind: 'injected' }>): string {
  return [`${what} after ${formatElapsed(activeMs)}`, `${targetName(target)} on ${target.node}`].join('   ');
}

/** Of one of several targets, by its pod alone. */
export function podOf({ pod }: Target): string {
  return `pod/${pod}`;
}

/** What is begun by the launch. */
export function starting(plans: readonly Pick<RunPlan, 'agent'>[]): string {
  const nodes = new Set(plans.map(({ agent }) => agent.node));
  const [node] = nodes;
  return nodes.size === 1 ? `starting the agent pod on ${node}` : `starting agent pods on ${nodes.size} nodes`;
}

/** Of tools on their way to a node. */
export function sending({ tools, target, sentBytes, bytes, readyMs }: Extract<RunEvent, { kind: 'tools' }>): string {
  if (readyMs !== undefined)
    return `sent ${tools} to ${target.node}: ${formatMegabytes(bytes)} in ${formatElapsed(readyMs)}`;
  if (sentBytes === bytes) return `unpacking ${tools} on ${target.node}`;
  return `sending ${tools} to ${target.node}: ${formatMegabytes(sentBytes, bytes)}`;
}

/** Texts are from the agent pod, which anybody may have written. */
export function watching({ plan, agoMs, leftMs }: Extract<RunEvent, { kind: 'watching' }>): string {
  const times = `since ${formatElapsed(agoMs)}, ${formatElapsed(leftMs)} left`;
  return [`in force: ${plan.summary}`, `${targetName(plan.target)} on ${plan.target.node}`, times].join('   ');
}

export function reverted(revertMs: number, by?: TargetOutcome['revertedBy']): string {
  const time = formatElapsed(revertMs);
  return `reverted in ${time}${by === 'guardian' ? ' by the guardian' : ''}`;
}

function conclusion({ effective, unmeasured }: Verdict): string {
  return effective ? 'Effective' : unmeasured ? 'NOT measured: whether it was effective is not known' : 'NOT effective';
}

/** A mount, which a sentence may be about, is the target's to name. */
export function verdict(outcome: TargetOutcome): string[] {
  const lines = (outcome.verdict?.proofs ?? [])
    .map(({ sentence }) => oneLine(sentence))
    .map((sentence) => (/[.?!]$/.test(sentence) ? sentence : `${sentence}.`));
  if (outcome.verdict && lines.length > 0) {
    lines[lines.length - 1] += ` ${conclusion(outcome.verdict)}.`;
  }
  const shared = outcome.shared === undefined ? [] : [`${oneLine(outcome.shared)}.`];
  return [
    ...lines,
    ...shared,
    ...watched(outcome),
    ...outcome.problems.map((problem) => `Problem: ${oneLine(problem)}.`),
  ];
}

/** Of a fault that was detached: how much of it anybody has seen. */
function watched({ watchedMs, ended }: TargetOutcome): string[] {
  if (watchedMs === undefined) return [];
  const time = ended ? ` It ended after ${formatElapsed(ended.runMs)}.` : '';
  if (watchedMs === 0) return [`No verdict: not observed long enough to measure its effect.${time}`];
  const before = (ended?.runMs ?? watchedMs) - watchedMs;
  return before < 1_000 ? [] : [`Observed from ${formatElapsed(before)} after the start until the end.`];
}

export function leftovers(outcome: Outcome): string[] {
  if (outcome.left.length === 0 && allReverted(outcome)) return [];
  if (outcome.left.length === 0) return ['Not confirmed to be gone: the fault.', `To be certain: ${outcome.sweep}`];
  return [`Not confirmed to be gone: ${joinWords(outcome.left)}.`, `Remove by hand: ${outcome.undo}`];
}

/** An error as the user reads it: what and why, what to do now, and how the target is. */
export function errorText(error: ChaosError): string {
  const lines = [`error: ${error.message}`];
  if (error.hint) lines.push(sentenceOf(error.hint));
  if (error.code !== 'usage') lines.push(`State of the target: ${error.state}.`);
  return `${harmless(lines.join('\n'))}\n`;
}

/** With a capital letter, unless it begins with a command or a flag to be copied. */
function sentenceOf(hint: string): string {
  return /^(?!kubectl )[a-z]/.test(hint) ? `${hint[0]?.toUpperCase()}${hint.slice(1)}` : hint;
}

/** As `harmless`, where more than a line could be taken for one of ours. */
export function oneLine(text: string): string {
  return harmless(text).replace(/[\n\t]+/g, ' ');
}

/**
 * Text from elsewhere (the workload, the API server, the shim's view of the target) made harmless: the target may have
 * written into it, and an escape sequence could move the cursor, retitle the terminal or paste into it.
 */
export function harmless(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this removes
  return stripVTControlCharacters(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
}

/** `3 API requests: 2 list pods, 1 list configmaps`. */
export function requests(counts: Readonly<Record<string, number>>): string {
  const each = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return `${total} API requests: ${each.join(', ')}`;
}
