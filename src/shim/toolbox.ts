import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { ChaosError } from '../errors.ts';
import { readJson } from '../json.ts';
import type { Architecture, Toolbox } from '../ports.ts';

/** What of the manifest says which archive it is; the rest says what is in it, and where its source is. */
const entrySchema = v.object({
  file: v.pipe(v.string(), v.regex(/^[\w.-]+$/)),
  sha256: v.pipe(v.string(), v.regex(/^[\da-f]{64}$/)),
  bytes: v.number(),
  unpackedBytes: v.number(),
});
const manifestSchema = v.object({ toolboxes: v.record(v.string(), v.record(v.string(), entrySchema)) });

/** Reads a part of the toolbox for a node's architecture out of the directory where the plugin's own files lie: `toolbox.json` names its archive. */
export async function readToolbox(directory: URL, name: string, architecture: Architecture): Promise<Toolbox> {
  const manifest = new URL('toolbox.json', directory);
  const { file, sha256, bytes, unpackedBytes } = await entryOf(manifest, name, architecture);
  const place = new URL(file, directory);
  const archive = await readOwn(place);
  if (archive.length !== bytes) {
    throw broken(`${place.pathname} has ${archive.length} bytes; ${manifest.pathname} says ${bytes}`);
  }
  return { name, archive, sha256, unpackedBytes };
}

async function entryOf(
  manifest: URL,
  name: string,
  architecture: Architecture,
): Promise<v.InferOutput<typeof entrySchema>> {
  const read = v.safeParse(manifestSchema, readJson((await readOwn(manifest)).toString('utf8')));
  const entry = read.success ? read.output.toolboxes[name]?.[architecture] : undefined;
  if (!entry) throw broken(`${manifest.pathname} does not say which archive has the ${name} tools for ${architecture}`);
  return entry;
}

async function readOwn(file: URL): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw broken(`the tools are not beside the plugin: ${file.pathname}`, cause);
  }
}

function broken(message: string, cause?: unknown): ChaosError {
  return new ChaosError('toolbox-missing', message, {
    hint: 'Install the plugin whole: its archive holds toolbox.json and the archives that it names. In a checkout: npm run build. Or name an image with the tools in it: --image.',
    ...(cause === undefined ? {} : { cause }),
  });
}
