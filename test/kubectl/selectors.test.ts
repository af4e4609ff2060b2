import { execFile } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { parseSelector } from '../../src/flags/selector.ts';
import { findKubectl } from './programs.ts';

/** `kubectl drain` reads this selector by itself, before it asks for the node. */
const kubectl = findKubectl();
const why = 'why' in kubectl ? ` (skipped: ${kubectl.why})` : '';
if (why) process.stderr.write(`selectors beside kubectl 1.36${why}\n`);

const long = 'a'.repeat(64);
const selectors = [
  ...[
    'app=web',
    'app==web',
    'app!=web',
    ' app = web\t',
    'a\n=b',
    'app',
    '!app',
    '! app',
    'app=',
    'a =',
    'a !=',
    'app=,b',
  ],
  ...['example.com/app in (web, api)', 'app in(web)', 'app notin (,web,)', 'app in (,)', 'app in ()', 'x in (),y'],
  ...['in in (in, notin)', 'in=notin', 'a=in', 'notin', '!in', 'in in in', 'a notin notin', 'a in (b)c', 'a in (b), c'],
  ...['rank>3,rank<10', 'a>1<2', 'rank>many', 'rank>', 'rank>-1', 'rank>+1', 'rank>1.5', 'a>=3', 'a=>3'],
  ...['rank>9223372036854775807', 'rank>9223372036854775808', ',', 'app=web,', 'app=web,,b', 'app=web b', 'a=b,!'],
  ...['!app=web', '!!app', '!', '=web', 'app===web', 'app=!web', 'a!', 'a!b', 'app is web', 'app(web)', '(a)', 'a=(b)'],
  ...['app in web', 'a in', 'a in (', 'a in (b,', 'app in (web api)', 'app in (web))', 'a in (!b)', 'app in (b,,c)'],
  ...[
    '/app=web',
    'ä=b',
    'app=a/b',
    `app in (b,${long})`,
    `${long}=b`,
    'a.b/c.d=e',
    'a.b/c.d/e=f',
    '-a=b',
    'a-=b',
    'a=-b',
  ],
  ...['A_b.c=D_e.f', 'a;b', 'a="b"', "a='b'"],
];

function stderrOf(program: string, words: readonly string[]): Promise<string> {
  const options = { env: { HOME: '/nonexistent' }, timeout: 60_000 };
  return new Promise((resolve) => {
    execFile(program, words, options, (_error, _stdout, stderr) => resolve(stderr));
  });
}

function isTaken(text: string): boolean {
  try {
    parseSelector('--selector', text);
    return true;
  } catch {
    return false;
  }
}

describe.skipIf('why' in kubectl)(`label selectors beside kubectl 1.36${why}`, () => {
  it.concurrent.each(selectors)('%j', { timeout: 60_000 }, async (text) => {
    const program = 'path' in kubectl ? kubectl.path : '';
    // Nobody listens there.
    const server = '--server=http://127.0.0.1:1';
    const said = await stderrOf(program, ['drain', 'node', `--pod-selector=${text}`, '--dry-run=client', server]);
    const isRefused = said.includes('must be a valid label selector');
    expect(isRefused || said.includes('refused'), said).toBe(true);
    expect(isTaken(text), said).toBe(!isRefused);
  });
});
