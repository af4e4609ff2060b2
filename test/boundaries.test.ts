import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const files = globSync('src/**/*.ts', { cwd: root }).sort();
const source = (file: string) => readFileSync(join(root, file), 'utf8');

/** The folder of src/ that a file belongs to; `src` for those at its top. */
const folderOf = (file: string) => file.split('/').slice(0, -1).join('/');

/** What a file imports: statically, for its types, or when it is needed. */
function imports(file: string): string[] {
  return [...source(file).matchAll(/(?:\bfrom\s+|\bimport\s*\(?\s*|\brequire\s*\(\s*)'([^']+)'/g)].map(
    ([, name]) => name ?? '',
  );
}

/** The package of an import, or undefined for a file of ours or a part of Node. */
function packageOf(specifier: string): string | undefined {
  if (/^(?:\.|node:)/.test(specifier)) return undefined;
  return /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0];
}

function withoutCommentsAndStrings(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|\s)\/\/.*$/gm, '')
    .replace(/'(?:[^'\\\n]|\\.)*'/g, "''")
    .replace(/`(?:[^`\\$]|\\.|\$(?!\{))*`/g, '``');
}

describe('the boundaries in src/', () => {
  test('there is something to look at', () => {
    expect(files.length).toBeGreaterThan(40);
    expect(imports('src/cli/program.ts')).toContain('commander');
    expect(imports('src/bin.ts')).toContain('./kubernetes/cluster.ts');
  });

  test('each package is known to one folder', () => {
    const users: Record<string, Set<string>> = {};
    for (const file of files) {
      for (const name of imports(file).flatMap((specifier) => packageOf(specifier) ?? [])) {
        users[name] ??= new Set();
        users[name].add(folderOf(file));
      }
    }
    expect(Object.fromEntries(Object.entries(users).map(([name, folders]) => [name, [...folders]]))).toEqual({
      '@kubernetes/client-node': ['src/kubernetes'],
      'cli-table3': ['src/terminal'],
      commander: ['src/cli'],
      ora: ['src/terminal'],
      valibot: ['src/shim'],
      ws: ['src/kubernetes'],
      yaml: ['src/kubernetes', 'src/terminal'],
    });
  });

  test('client-node is never imported whole: that takes half a second of every start', () => {
    for (const file of files) {
      const whole = source(file).matchAll(/^import\s+(?!type\b)([^;]*?)\s+from\s+'@kubernetes\/client-node'/gm);
      for (const [, what = ''] of whole) expect(what, file).not.toMatch(/\*/);
      expect(source(file), file).not.toMatch(/import\('@kubernetes\/client-node'\)/);
    }
  });

  test('nothing but bin.ts mentions the process or the console', () => {
    const mention = /\b(?:process|console)\s*(?:\?\.|[.[])|\bglobalThis\b/;
    const found = files.filter((file) => mention.test(withoutCommentsAndStrings(source(file))));
    expect(found).toEqual(['src/bin.ts']);
    const imported = files.filter((file) => imports(file).some((name) => /^(?:node:)?(?:process|console)$/.test(name)));
    expect(imported).toEqual([]);
  });

  test('cli, faults and session know nothing of Node', () => {
    for (const file of files.filter((name) => /^src\/(?:cli|faults|session)\//.test(name))) {
      expect(
        imports(file).filter((name) => name.startsWith('node:')),
        file,
      ).toEqual([]);
    }
  });

  test('no file imports in a circle through another folder', () => {
    const graph = new Map<string, Set<string>>();
    for (const file of files) {
      // Types vanish when the program runs, and ports.ts lends its types to everybody.
      const values = source(file).replace(/^import type [^;]*;/gm, '');
      for (const [, name = ''] of values.matchAll(/\bfrom\s*'(\.[^']+)'/g)) {
        const [from, to] = [folderOf(file), folderOf(join(dirname(file), name))];
        if (from === to || from === 'src' || to === 'src') continue;
        graph.set(from, (graph.get(from) ?? new Set()).add(to));
      }
    }
    const reaches = (from: string, goal: string, seen = new Set<string>()): boolean =>
      [...(graph.get(from) ?? [])].some((next) => {
        if (next === goal) return true;
        if (seen.has(next)) return false;
        seen.add(next);
        return reaches(next, goal, seen);
      });
    expect(graph.size).toBeGreaterThanOrEqual(2);
    for (const folder of graph.keys()) expect(reaches(folder, folder), folder).toBe(false);
  });
});

describe('the linter', () => {
  const uses = (specifier: string) => `import * as x from '${specifier}';\n\nexport const y = x;\n`;
  const lazily = (specifier: string) => `export const y = import('${specifier}');\n`;

  /** Where, what, and the rule that must object. */
  const violations: ReadonlyArray<[folder: string, code: string, rule: string]> = [
    ...(['faults', 'session', 'kubernetes', 'shim', 'terminal', '.'] as const).map(
      (folder): [string, string, string] => [folder, uses('commander'), 'noRestrictedImports'],
    ),
    ...(['cli', 'faults', 'session', 'shim', 'terminal', '.'] as const).flatMap(
      (folder): Array<[string, string, string]> => [
        [folder, uses('@kubernetes/client-node'), 'noRestrictedImports'],
        [folder, uses('ws'), 'noRestrictedImports'],
      ],
    ),
    ...(['cli', 'faults', 'session', 'kubernetes', 'shim', '.'] as const).flatMap(
      (folder): Array<[string, string, string]> => [
        [folder, uses('ora'), 'noRestrictedImports'],
        [folder, uses('cli-table3'), 'noRestrictedImports'],
      ],
    ),
    ['session', lazily('ora'), 'noRestrictedImports'],
    ['session', lazily('@kubernetes/client-node'), 'noRestrictedImports'],
    ['cli', uses('../session/run.ts'), 'noRestrictedImports'],
    ['cli', uses('../kubernetes/cluster.ts'), 'noRestrictedImports'],
    ['cli', uses('../terminal/plain.ts'), 'noRestrictedImports'],
    ['cli', uses('node:fs'), 'noRestrictedImports'],
    ['faults', uses('../cli/program.ts'), 'noRestrictedImports'],
    ['faults', uses('../session/run.ts'), 'noRestrictedImports'],
    ['faults', uses('../kubernetes/cluster.ts'), 'noRestrictedImports'],
    ['faults', uses('../terminal/words.ts'), 'noRestrictedImports'],
    ['faults', uses('node:os'), 'noRestrictedImports'],
    ['session', uses('../kubernetes/cluster.ts'), 'noRestrictedImports'],
    ['session', uses('../terminal/words.ts'), 'noRestrictedImports'],
    ['session', uses('../cli/program.ts'), 'noRestrictedImports'],
    ['session', uses('node:timers'), 'noRestrictedImports'],
    ['kubernetes', uses('../session/run.ts'), 'noRestrictedImports'],
    ['kubernetes', uses('../faults/plan.ts'), 'noRestrictedImports'],
    ['kubernetes', uses('../terminal/words.ts'), 'noRestrictedImports'],
    ['shim', uses('../faults/plan.ts'), 'noRestrictedImports'],
    ['shim', uses('../session/run.ts'), 'noRestrictedImports'],
    ['terminal', uses('../kubernetes/cluster.ts'), 'noRestrictedImports'],
    ['terminal', uses('../cli/program.ts'), 'noRestrictedImports'],
    ...(['cli', 'faults', 'session', 'kubernetes', 'shim', 'terminal', '.'] as const).flatMap(
      (folder): Array<[string, string, string]> => [
        [folder, `export const y = process.argv;\n`, 'noRestrictedGlobals'],
        [folder, `export const y = process.env.HOME;\n`, 'noProcessEnv'],
        [folder, `export function y(): void {\n  console.log('x');\n}\n`, 'noConsole'],
      ],
    ),
  ];

  /** What must stay allowed, or a rule that objects to everything would pass for one that works. */
  const allowed: ReadonlyArray<[folder: string, code: string]> = [
    ['cli', uses('commander')],
    ['cli', uses('../faults/request.ts')],
    ['kubernetes', uses('@kubernetes/client-node')],
    ['kubernetes', uses('ws')],
    ['kubernetes', uses('node:https')],
    ['session', uses('../faults/plan.ts')],
    ['terminal', uses('ora')],
    ['terminal', uses('cli-table3')],
    ['terminal', uses('../session/facts.ts')],
    ['shim', uses('node:fs/promises')],
    ['.', lazily('./session/run.ts')],
  ];

  let folder: string;
  const rulesBroken = new Map<string, string[]>();
  const nameOf = (kind: string, index: number, where: string) =>
    `src/${where === '.' ? '' : `${where}/`}${kind}-${index}.ts`;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'kubectl-chaos-lint-'));
    for (const name of ['.biome.json', '.gitignore']) cpSync(join(root, name), join(folder, name));
    const write = (name: string, code: string) => {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), code);
    };
    for (const [index, [where, code]] of violations.entries()) write(nameOf('wrong', index, where), code);
    for (const [index, [where, code]] of allowed.entries()) write(nameOf('right', index, where), code);
    write('src/bin.ts', 'export const y = process.argv;\n');

    const biome = join(root, 'node_modules/.bin/biome');
    const run = spawnSync(biome, ['lint', '--reporter=json', '--max-diagnostics=none', '.'], {
      cwd: folder,
      encoding: 'utf8',
    });
    const report = JSON.parse(run.stdout) as {
      diagnostics: Array<{ category: string; location: { path: string | { file: string } } }>;
    };
    for (const { category, location } of report.diagnostics) {
      const path = typeof location.path === 'string' ? location.path : location.path.file;
      rulesBroken.set(path, [...(rulesBroken.get(path) ?? []), category.split('/').at(-1) ?? '']);
    }
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(violations.map(([where, code, rule], index) => ({ where, code: code.split('\n')[0], rule, index })))(
    'objects in $where to $code',
    ({ where, rule, index }) => {
      expect(rulesBroken.get(nameOf('wrong', index, where)) ?? []).toContain(rule);
    },
  );

  test('and to nothing that is allowed', () => {
    const right = allowed.map(([where], index) => nameOf('right', index, where));
    expect(
      [...right, 'src/bin.ts'].filter((name) => rulesBroken.has(name)).map((name) => [name, rulesBroken.get(name)]),
    ).toEqual([]);
  });
});
