/** The texts of an answer's `Warning` headers, which Node joins by commas: code 299, an agent, and a quoted text (RFC 7234, 5.5). Pure. */
export function warningsOf(header: string | string[] | undefined): string[] {
  const text = [header ?? []].flat().join(', ');
  const all = [...text.matchAll(/\b299 \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, quoted = '']) =>
    quoted.replace(/\\(.)/g, '$1'),
  );
  return [...new Set(all)];
}
