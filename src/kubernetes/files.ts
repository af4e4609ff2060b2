import { readFileSync } from 'node:fs';
import { ChaosError, messageOf } from '../errors.ts';

/** What the usual codes of open and read mean for a file that is named beside them. */
const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'you are not allowed to',
  EPERM: 'you are not allowed to',
  ELOOP: 'its symbolic links go in a circle',
};

/** The text of a file that the connection needs. Throws ChaosError kubeconfig: "cannot read the WHAT PATH: WHY", the error of Node as its cause. */
export function readText(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const why = reasons[(cause as NodeJS.ErrnoException).code ?? ''] ?? messageOf(cause);
    throw new ChaosError('kubeconfig', `cannot read the ${what} ${path}: ${why}`, { cause });
  }
}
