import type { GenericSchema } from 'valibot';
import { documents } from '../../src/terminal/documents.ts';

/** What of a schema of valibot's says what it takes; each kind has some of it. */
interface Parts {
  type: string;
  entries?: Record<string, GenericSchema>;
  item?: GenericSchema;
  wrapped?: GenericSchema;
  value?: GenericSchema;
  literal?: unknown;
  options?: readonly unknown[];
  pipe?: readonly { type: string; requirement?: unknown }[];
}

/** The JSON Schema of what a schema of documents.ts takes. Throws for a kind of schema that no document needs. */
function jsonSchema(schema: GenericSchema): Record<string, unknown> {
  const {
    type,
    entries = {},
    item,
    wrapped,
    value,
    literal,
    options = [],
    pipe = [],
  } = schema as GenericSchema & Parts;
  const inner = (part: GenericSchema | undefined) => (part ? jsonSchema(part) : {});
  switch (type) {
    case 'string': {
      const pattern = pipe.find((step) => step.type === 'regex')?.requirement;
      return { type, ...(pattern instanceof RegExp ? { pattern: pattern.source } : {}) };
    }
    case 'number':
    case 'boolean':
      return { type };
    case 'literal':
      return { const: literal };
    case 'picklist':
      return { enum: options };
    case 'union':
      return { anyOf: options.map((option) => jsonSchema(option as GenericSchema)) };
    case 'nullable':
      return { anyOf: [inner(wrapped), { type: 'null' }] };
    case 'exact_optional':
      return inner(wrapped);
    case 'array':
      return { type, items: inner(item) };
    case 'record':
      return { type: 'object', additionalProperties: inner(value) };
    case 'strict_object':
    case 'loose_object': {
      const all = Object.entries(entries);
      return {
        type: 'object',
        properties: Object.fromEntries(all.map(([name, part]) => [name, jsonSchema(part)])),
        required: all.filter(([, part]) => part.type !== 'exact_optional').map(([name]) => name),
        additionalProperties: type === 'loose_object',
      };
    }
    default:
      throw new Error(`documents.ts has a schema of type ${type}, which json-schema.ts does not know`);
  }
}

/** The files of src/terminal/schemas/, by name. */
export function schemaFiles(): Map<string, string> {
  return new Map(
    Object.entries(documents).map(([name, schema]) => {
      const whole = { $schema: 'https://json-schema.org/draft/2020-12/schema', title: name, ...jsonSchema(schema) };
      return [`${name}.json`, `${JSON.stringify(whole, undefined, 2)}\n`];
    }),
  );
}
