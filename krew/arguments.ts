import { parseArgs } from 'node:util';
import { type Form, forms } from './platforms.ts';

export interface PackRequest {
  /** The folder that the archives will be served from, without a slash at its end. */
  readonly url: string;
  readonly homepage: string;
  /** The archives to make. */
  readonly forms: readonly Form[];
  /** Of compression, 1 to 12. */
  readonly level: number;
}

export const packUsage = `usage: npm run pack -- URL [HOMEPAGE] [--only FORM]... [--level 1-12]
  URL       the folder that the archives will be served from
  HOMEPAGE  the plugin's (default: URL)
  --only    makes these archives only, of ${forms.join(', ')}; without a manifest unless all are made
  --level   of compression; 12 is the smallest, and that of a release`;

const isForm = (name: string): name is Form => forms.some((form) => form === name);
const isWeb = (text: string) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);

/**
 * The words behind `npm run pack --`.
 * @throws Error that says what is wrong with them, and the usage
 */
export function packRequest(words: readonly string[]): PackRequest {
  const { values, positionals } = parse(words);
  const [url = '', homepage = url, ...more] = positionals;
  const only = values.only ?? [];
  const wrongForm = only.find((form) => !isForm(form));
  const level = Number(values.level ?? 12);
  if (!isWeb(url)) throw wrong(url ? `URL "${url}" must begin with https:// or http://` : 'URL is missing');
  if (!isWeb(homepage)) throw wrong(`HOMEPAGE "${homepage}" must begin with https:// or http://`);
  if (more.length > 0) throw wrong(`there is also "${more[0]}"`);
  if (wrongForm !== undefined) throw wrong(`--only ${wrongForm}: there is no such archive`);
  if (!Number.isInteger(level) || level < 1 || level > 12) throw wrong(`--level ${values.level} must be 1 to 12`);
  const chosen = forms.filter((form) => only.length === 0 || only.includes(form));
  return { url: url.replace(/\/+$/, ''), homepage, forms: chosen, level };
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: { only: { type: 'string', multiple: true }, level: { type: 'string' } },
    });
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error));
  }
}

const wrong = (what: string) => new Error(`${what}\n${packUsage}`);
