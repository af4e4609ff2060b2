import { createPrivateKey, X509Certificate } from 'node:crypto';
import { ChaosError } from '../errors.ts';
import { readText } from './files.ts';

/** Base64 data goes before a file, as in kubectl. Undefined when there is neither. Throws ChaosError kubeconfig. */
export function readPem(data: string | undefined, path: string | undefined, what: string): string | undefined {
  if (data) {
    const text = Buffer.from(data, 'base64').toString('utf8');
    if (text.includes('-----BEGIN')) return text;
    throw new ChaosError('kubeconfig', `the ${what} data of the kubeconfig is not base64 of a PEM`);
  }
  if (!path) return undefined;
  const text = readText(path, what);
  // An empty authority would be none to Node, which then trusts what it was built with.
  if (!text.includes('-----BEGIN')) throw new ChaosError('kubeconfig', `the ${what} ${path} is not a PEM`);
  return text;
}

/** Files that are rotated are read again after this, as client-go does with tokens. */
const ageMs = 60_000;

/**
 * Something made of files that may be replaced while we run: made anew after a minute, and when that fails (half of the files are there yet) what was
 * made before stays. `read` throws at the first time only.
 */
export class Rotated<T> {
  readonly #read: () => T;
  #value: T;
  #readAt = Date.now();

  constructor(read: () => T) {
    this.#read = read;
    this.#value = read();
  }

  get value(): T {
    if (Date.now() - this.#readAt >= ageMs) {
      this.#readAt = Date.now();
      try {
        this.#value = this.#read();
      } catch {
        // The next minute tries again.
      }
    }
    return this.#value;
  }
}

/** A certificate with its key. Throws when they do not belong together, as while they are being replaced. */
export function keyPair(cert: string, key: string): { cert: string; key: string } {
  let fits: boolean;
  try {
    fits = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch (cause) {
    throw new ChaosError('kubeconfig', 'the client certificate or its key cannot be read as a PEM', { cause });
  }
  if (!fits) throw new ChaosError('kubeconfig', 'the client key is not the one of the client certificate');
  return { cert, key };
}
