import type { DoctorReport } from '../experiment/doctor/examine.ts';
import type { Finding, State } from '../experiment/doctor/finding.ts';
import { fold, formatCount } from '../text.ts';
import { type DocumentFormat, documentOf, documentText } from './json.ts';
import { oneLine } from './words.ts';

/** What `doctor` prints. Pure. */

const states: readonly State[] = ['ok', 'warning', 'problem', 'unknown'];
const stateWidth = Math.max(...states.map((state) => state.length));

/** A line for each finding, its remedy on the one below, and the sum. `columns`: of a terminal, in which a finding is folded under where it begins; undefined: none is. A remedy may be a command to be copied, and stays whole. */
export function doctorText({ findings }: Pick<DoctorReport, 'findings'>, columns?: number): string {
  const width = Math.max(0, ...findings.map(({ check }) => check.length));
  const indent = ' '.repeat(stateWidth + 2 + width + 2);
  const room = (columns ?? Number.POSITIVE_INFINITY) - indent.length;
  const lines = findings.flatMap(({ check, state, finding, remedy }) => {
    const [first = '', ...rest] = fold(oneLine(finding), room);
    const below = [...rest, ...(remedy === undefined ? [] : [oneLine(remedy)])];
    return [
      `${state.padEnd(stateWidth)}  ${check.padEnd(width)}  ${first}`,
      ...below.map((line) => `${indent}${line}`),
    ];
  });
  return [...lines, sum(findings), ''].join('\n');
}

function sum(findings: readonly Finding[]): string {
  const count = (state: State) => findings.filter((finding) => finding.state === state).length;
  const [problems, warnings, unknown] = [count('problem'), count('warning'), count('unknown')];
  const rest = [
    ...(warnings > 0 ? [formatCount(warnings, 'warning')] : []),
    ...(unknown > 0 ? [`${unknown} not known from here`] : []),
  ];
  const first = problems > 0 ? formatCount(problems, 'problem') : 'No problem';
  return `${[first, ...rest].join(', ')}.`;
}

export function doctorDocument(report: DoctorReport, format: DocumentFormat): string {
  const { cluster, places, target, node, findings, exitCode } = report;
  return documentText(documentOf({ kind: 'examined', cluster, ...places, target, node, findings, exitCode }), format);
}
