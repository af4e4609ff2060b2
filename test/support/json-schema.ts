import { toJsonSchema } from '@valibot/to-json-schema';
import { documents } from '../../src/terminal/documents.ts';
import { experimentFile } from './experiment-schema.ts';

/** The files of src/terminal/schemas/, by name. */
export function schemaFiles(): Map<string, string> {
  return new Map(
    Object.entries({ ...documents, 'experiment-file': experimentFile }).map(([name, schema]) => {
      const { $schema, ...rest } = toJsonSchema(schema, { target: 'draft-2020-12' });
      return [`${name}.json`, `${JSON.stringify({ $schema, title: name, ...rest }, undefined, 2)}\n`];
    }),
  );
}
