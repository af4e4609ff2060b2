import { Document } from 'yaml';

/** The file of an experiment as text: YAML, which readers of YAML 1.1 take in the same way, and without a character that a terminal obeys. */
export function experimentText({ comment, document }: { comment: string; document: Record<string, unknown> }): string {
  const file = new Document(document, { aliasDuplicateObjects: false, compat: 'yaml-1.1' });
  file.commentBefore = comment;
  return file
    .toString({ lineWidth: 0, blockQuote: false })
    .replace(/[\u007f-\u009f]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`);
}
