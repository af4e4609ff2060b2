import * as v from 'valibot';
import { documents } from '../../src/terminal/documents.ts';

/** The name of the schema that a document is of. */
function schemaOf({ kind }: { kind?: unknown }): string {
  return typeof kind === 'string' && Object.hasOwn(documents, kind) ? kind : 'event';
}

/** What a document has that its schema does not allow, a line each; empty: nothing. */
export function faultsOf(document: Record<string, unknown>): string[] {
  const schema = documents[schemaOf(document)];
  if (!schema) return [`there is no schema of ${document.kind}`];
  const { issues = [] } = v.safeParse(schema, document);
  return issues.map((issue) => `${String(document.kind)} ${v.getDotPath(issue) ?? ''}: ${issue.message}`);
}
