import { readFile } from 'node:fs/promises';
import { ChaosError } from '../errors.ts';
import type { Architecture } from '../ports.ts';

/** Reads the shim for a node's architecture out of the directory where the plugin's own files lie. */
export async function readShim(directory: URL, architecture: Architecture): Promise<Uint8Array> {
  const file = new URL(`nsexec-${architecture}`, directory);
  try {
    return await readFile(file);
  } catch (cause) {
    throw new ChaosError(
      'shim-missing',
      `the shim for ${architecture} nodes is not beside the plugin: ${file.pathname}`,
      {
        hint: 'Install the plugin whole: its archive holds nsexec-amd64 and nsexec-arm64. In a checkout: npm run build.',
        cause,
      },
    );
  }
}
