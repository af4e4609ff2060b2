import type { FoundName } from '../ports.ts';
import type { Candidate, CompletionRequest } from '../requests.ts';
import { oneLine } from './words.ts';

/** Bits of cobra's ShellCompDirective: https://pkg.go.dev/github.com/spf13/cobra#ShellCompDirective */
const directive = { noSpace: 2, noFile: 4 };

/**
 * Letters, digits, and what shells take as it is. A name with anything else would have to be quoted, could end its line, or, in bash with a kubectl
 * that has cobra before 1.9, would be expanded as a word of the shell: it is not offered.
 */
const plain = /^[\p{L}\p{N}._:@/+=%,-]+$/u;

/** What kubectl hands on to the shell: the candidates that begin with what is typed, a line each, and the directive. */
export function completionText(request: CompletionRequest, found: readonly FoundName[]): string {
  const { word, candidates, names, isFile } = request;
  const offered = found
    .filter(({ name }) => plain.test(name) && !names?.except.includes(name))
    .map(({ name, about }): Candidate => ({ value: `${names?.prefix ?? ''}${name}`, ...(about ? { about } : {}) }));
  const fitting = [...offered, ...candidates].filter(({ value }) => value.startsWith(word));
  const isOpen = fitting.length > 0 && fitting.every((candidate) => candidate.isOpen);
  const lines = fitting.map(({ value, about }) => (about ? `${value}\t${oneLine(about)}` : value));
  return `${[...lines, `:${(isFile ? 0 : directive.noFile) + (isOpen ? directive.noSpace : 0)}`].join('\n')}\n`;
}
