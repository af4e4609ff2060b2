import { open } from 'node:fs/promises';
import { messageOf, usageError } from './errors.ts';

/** An experiment is a page of text; what reads YAML takes half a second at worst for so much. */
const maxBytes = 64 * 1_024;

/**
 * The text of a file that a flag names, or of `stdin` where that is `-`. No more than 64 KiB of it are read, so that what never ends does no harm.
 * @throws ChaosError usage, one line that names the flag and the file.
 */
export async function readText(flag: string, path: string, stdin: AsyncIterable<Uint8Array>): Promise<string> {
  const wrong = (why: string) => usageError(`${flag} ${JSON.stringify(path)}: ${why}`);
  const bytes = await (path === '-' ? atMost(stdin) : readFile(path)).catch((error: unknown) => {
    throw wrong(whyNot(error));
  });
  if (bytes.length > maxBytes) throw wrong(`is larger than ${maxBytes / 1_024}Ki, which no experiment is`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw wrong('is not a text in UTF-8');
  }
}

async function readFile(path: string): Promise<Uint8Array> {
  const handle = await open(path);
  try {
    return await atMost(handle.createReadStream({ autoClose: false, highWaterMark: maxBytes }));
  } finally {
    await handle.close();
  }
}

/** All of it, or more than may be. */
async function atMost(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const read: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    read.push(chunk);
    length += chunk.length;
    if (length > maxBytes) break;
  }
  return Buffer.concat(read);
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'is a directory; one file is one experiment',
};

function whyNot(error: unknown): string {
  const { code = '' } = error as NodeJS.ErrnoException;
  return reasons[code] ?? `cannot be read: ${messageOf(error)}`;
}
