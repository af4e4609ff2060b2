import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readToolbox } from '../../src/shim/toolbox.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kubectl-chaos-'));
});

afterEach(() => rm(folder, { recursive: true }));

const read = (name = 'stress') => readToolbox(pathToFileURL(`${folder}/`), name, 'arm64');
const entry = { file: 'toolbox-stress-arm64.tar.gz', sha256: 'a'.repeat(64), bytes: 4, unpackedBytes: 10_240 };
const write = (name: string, text: string) => writeFile(join(folder, name), text);
const writeManifest = (change: object = {}) =>
  write(
    'toolbox.json',
    JSON.stringify({ suite: 'trixie', toolboxes: { stress: { arm64: { ...entry, ...change, files: [] } } } }),
  );

test('reads the archive that the manifest names', async () => {
  await writeManifest();
  await write(entry.file, 'gzip');
  const { archive, ...rest } = await read();
  expect(Buffer.from(archive).toString()).toBe('gzip');
  expect(rest).toEqual({ name: 'stress', sha256: 'a'.repeat(64), unpackedBytes: 10_240 });
});

describe('what is not there is named, with its place and the way out:', () => {
  const hint = expect.stringContaining('npm run build');
  const refused = (words: string) =>
    expect(read()).rejects.toMatchObject({
      code: 'toolbox-missing',
      exitCode: 1,
      message: expect.stringContaining(words),
      hint,
    });

  test('the manifest', () => refused(`the tools are not beside the plugin: ${folder}/toolbox.json`));

  test('the archive', async () => {
    await writeManifest();
    await refused(`the tools are not beside the plugin: ${folder}/toolbox-stress-arm64.tar.gz`);
  });

  test('its end', async () => {
    await writeManifest();
    await write(entry.file, 'gzi');
    await refused(`${folder}/toolbox-stress-arm64.tar.gz has 3 bytes; ${folder}/toolbox.json says 4`);
  });

  test.each([
    ['another name', { file: '../../etc/passwd' }],
    ['no digest', { sha256: 'A' }],
    ['no size', { bytes: undefined }],
  ])('%s in the manifest', async (_what, change) => {
    await writeManifest(change);
    await refused('does not say which archive has the stress tools for arm64');
  });

  test('any manifest', async () => {
    await write('toolbox.json', '{');
    await refused('does not say which archive has the stress tools for arm64');
  });
});
