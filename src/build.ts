import { ChaosError } from './errors.ts';
import type { Architecture, BuildPorts } from './ports.ts';

/** Which build of the plugin this is. */
export interface Build {
  version: string;
  /** Of the sources; `unknown`: they were not in a git repository. */
  commit: string;
  /** In hexadecimal digits. Absent: the shim is not beside the plugin. */
  shims: readonly { architecture: Architecture; sha256?: string }[];
  /** As `v22.19.0`. */
  nodeVersion: string;
}

const architectures: readonly Architecture[] = ['amd64', 'arm64'];

/** Reads the plugin's own files, and nothing else. */
export async function buildOf({ version, commit, nodeVersion, shim }: BuildPorts): Promise<Build> {
  const shims = await Promise.all(
    architectures.map(async (architecture) => {
      try {
        const sha256 = await sha256Of(await shim(architecture));
        return { architecture, sha256 };
      } catch (error) {
        // What is wrong with an installation is what `version` is asked for.
        if (error instanceof ChaosError && error.code === 'shim-missing') return { architecture };
        throw error;
      }
    }),
  );
  return { version, commit, shims, nodeVersion };
}

async function sha256Of(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes)));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
