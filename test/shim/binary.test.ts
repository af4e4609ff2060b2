import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readShim } from '../../src/shim/binary.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kubectl-chaos-'));
});

afterEach(() => rm(folder, { recursive: true }));

test('reads the shim of the architecture', async () => {
  await writeFile(join(folder, 'nsexec-arm64'), 'arm');
  await writeFile(join(folder, 'nsexec-amd64'), 'amd');
  expect(Buffer.from(await readShim(pathToFileURL(`${folder}/`), 'arm64')).toString()).toBe('arm');
});

test('a missing one is named with its place and the way out', async () => {
  const failure = readShim(pathToFileURL(`${folder}/`), 'amd64');
  await expect(failure).rejects.toMatchObject({
    code: 'shim-missing',
    message: expect.stringContaining(`${folder}/nsexec-amd64`),
    hint: expect.stringContaining('npm run build'),
  });
});
