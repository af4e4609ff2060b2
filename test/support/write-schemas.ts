/** npm run schemas: writes src/terminal/schemas/ anew, after documents.ts or a flag of a fault has changed. */
import { writeFileSync } from 'node:fs';
import { schemaFiles } from './json-schema.ts';

for (const [name, text] of schemaFiles()) {
  writeFileSync(new URL(`../../src/terminal/schemas/${name}`, import.meta.url), text);
}
