import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { faultKinds } from '../src/faults/registry.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const files = globSync('src/**/*.ts', { cwd: root }).sort();
const kinds = faultKinds.map(({ verb }) => verb);

/** Without comments; strings stay. */
function code(file: string): string {
  return readFileSync(join(root, file), 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|\s)\/\/.*$/gm, '$1');
}

function withoutStrings(text: string): string {
  return text.replace(/'(?:[^'\\\n]|\\.)*'/g, "''").replace(/`(?:[^`\\$]|\\.|\$(?!\{))*`/g, '``');
}

/** What a file imports or passes on: values and types, at once or when it is needed, also `typeof import('…')`. */
function imports(file: string): string[] {
  const text = code(file);
  return [...text.matchAll(/(?:\bfrom\s+|\bimport\s*\(?\s*|\brequire\s*\(\s*)'([\w@./:-]+)'/g)].map(
    ([, name = '']) => name,
  );
}

/** The files of ours that a file imports. */
function imported(file: string): string[] {
  return imports(file)
    .filter((name) => name.startsWith('.'))
    .map((name) => normalize(join(dirname(file), name)));
}

/** Rooms, each with those that it may know; `ground` is the files beside main.ts, `interface` is what faults are to others, `fault` each fault's own folder. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  ground: [],
  flags: ['ground'],
  shim: ['ground'],
  kubernetes: ['ground'],
  interface: ['ground', 'flags', 'shim'],
  fault: ['ground', 'flags', 'shim', 'interface'],
  registry: ['interface', 'fault'],
  cli: ['ground', 'flags', 'interface', 'registry'],
  experiment: ['ground', 'shim', 'interface', 'registry'],
  terminal: ['ground', 'shim', 'interface', 'registry', 'experiment'],
  commands: ['ground', 'experiment', 'terminal'],
  top: ['ground', 'cli', 'commands', 'kubernetes', 'shim', 'terminal'],
};

function roomOf(file: string): string {
  const [, folder = '', sub = '', inside] = file.split('/');
  if (folder === 'faults') {
    if (inside !== undefined && sub !== 'common') return 'fault';
    return sub === 'registry.ts' ? 'registry' : 'interface';
  }
  if (folder.endsWith('.ts')) return folder === 'bin.ts' || folder === 'main.ts' ? 'top' : 'ground';
  return folder;
}

const faultFolder = (file: string) => file.split('/').slice(0, 3).join('/');

/** Places where code names a kind of fault: as a string, as a key or a member. */
function naming(text: string): string[] {
  const names = kinds.join('|');
  return [
    ...[...text.matchAll(new RegExp(`(['"\`])(?:${names})\\1`, 'g'))].map(([found]) => found),
    ...[...withoutStrings(text).matchAll(new RegExp(`\\.(?:${names})\\b(?!/)|\\b(?:${names})\\??\\s*:`, 'g'))].map(
      ([found]) => found,
    ),
  ];
}

describe('the sources', () => {
  test('are read as they are', () => {
    expect(files.length).toBeGreaterThan(100);
    expect(new Set(files.map(roomOf))).toEqual(new Set(Object.keys(arrows)));
    expect(imports('src/cli/program.ts')).toContain('commander');
    expect(imported('src/bin.ts')).toContain('src/kubernetes/cluster.ts');
    expect(imported('src/kubernetes/cluster.ts')).toContain('src/kubernetes/attach.ts');
    expect(naming("const x = fault === 'net' ? { io: 1 } : seen.stress; // 'net'")).toHaveLength(4);
    expect(naming("label('kubernetes.io/os', `x.io/y`)")).toEqual([]);
  });

  test('know only the rooms below them, for types as well', () => {
    const wrong = files.flatMap((file) => {
      const from = roomOf(file);
      const allowed = [from, ...(arrows[from] ?? [])];
      return imported(file).flatMap((to) => (allowed.includes(roomOf(to)) ? [] : [`${file} imports ${to}`]));
    });
    expect(wrong).toEqual([]);
  });

  test('have no circle, for types as well', () => {
    const done = new Set<string>();
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) throw new Error(`a circle: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`);
      if (done.has(file)) return;
      for (const next of imported(file)) visit(next, [...path, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
    expect(done.size).toBe(files.length);
  });

  test('name a kind of fault nowhere but in its folder and in the registry', () => {
    const places = files
      .filter((file) => !['fault', 'registry'].includes(roomOf(file)))
      .flatMap((file) => naming(code(file)).map((found) => `${file}: ${found}`));
    expect(places).toEqual([]);
  });

  test('of one fault know nothing of another', () => {
    const wrong = files.flatMap((file) => {
      if (roomOf(file) !== 'fault') return [];
      const others = imported(file).filter((to) => roomOf(to) === 'fault' && faultFolder(to) !== faultFolder(file));
      return others.map((to) => `${file} imports ${to}`);
    });
    expect(wrong).toEqual([]);
  });

  test('begin at ports.ts, which imports nothing but what an address is, and passes nothing on', () => {
    expect(imports('src/ports.ts')).toEqual(['./ip.ts']);
    expect(imports('src/ip.ts')).toEqual([]);
    expect(code('src/ports.ts')).not.toMatch(/^export (?:type )?[*{]/m);
  });

  test('know each package in one room', () => {
    const users: Record<string, string[]> = {};
    for (const file of files) {
      for (const specifier of imports(file).filter((name) => !/^(?:\.|node:)/.test(name))) {
        const [name = ''] = /^(?:@[^/]+\/)?[^/]+/.exec(specifier) ?? [];
        users[name] = [...new Set([...(users[name] ?? []), roomOf(file)])];
      }
    }
    expect(users).toEqual({
      '@kubernetes/client-node': ['kubernetes'],
      'cli-table3': ['terminal'],
      commander: ['cli'],
      ora: ['terminal'],
      socks: ['kubernetes'],
      valibot: ['experiment', 'interface', 'fault', 'shim', 'terminal'],
      ws: ['kubernetes'],
      yaml: ['cli', 'kubernetes', 'terminal'],
    });
  });

  test('import client-node never whole: that takes half a second of every start', () => {
    for (const file of files) {
      const whole = code(file).matchAll(/^import\s+(?!type\b)([^;]*?)\s+from\s+'@kubernetes\/client-node'/gm);
      for (const [, what = ''] of whole) expect(what, file).not.toMatch(/\*/);
      expect(code(file), file).not.toMatch(/import\('@kubernetes\/client-node'\)/);
    }
  });

  test('mention the process and the console in bin.ts alone', () => {
    const mention = /\b(?:process|console)\s*(?:\?\.|[.[])|\bglobalThis\b/;
    expect(files.filter((file) => mention.test(withoutStrings(code(file))))).toEqual(['src/bin.ts']);
    expect(files.filter((file) => imports(file).some((name) => /^(?:node:)?(?:process|console)$/.test(name)))).toEqual(
      [],
    );
  });

  test('are pure where they decide: no part of Node in flags, faults, cli and experiment', () => {
    const pure = files.filter(
      (file) => !/^src\/(?:bin\.ts|experiment-text\.ts|kubernetes\/|shim\/|terminal\/)/.test(file),
    );
    const wrong = pure.filter((file) => imports(file).some((name) => name.startsWith('node:')));
    expect(wrong).toEqual([]);
  });
});

test('the linter objects while one types', { timeout: 30_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'kubectl-chaos-lint-'));
  const wrong: Readonly<Record<string, string>> = {
    'src/cli/a.ts': "export { x } from '../kubernetes/cluster.ts';\n",
    'src/faults/a.ts': "export { x } from '../experiment/run.ts';\n",
    'src/faults/net/a.ts': "export { x } from '../io/kind.ts';\n",
    'src/flags/a.ts': "export { x } from '../faults/fault.ts';\n",
    'src/experiment/a.ts': "export { x } from '../faults/net/kind.ts';\n",
    'src/experiment/b.ts': "export const y = import('ora');\n",
    'src/terminal/a.ts': "export { x } from '../cli/program.ts';\n",
    'src/kubernetes/a.ts': "export { x } from '../faults/fault.ts';\n",
    'src/shim/a.ts': "export { x } from '../faults/fault.ts';\n",
    'src/commands/a.ts': "export { x } from '../kubernetes/cluster.ts';\n",
    'src/commands/b.ts': 'export const y = process.argv;\n',
    'src/faults/b.ts': "export { x } from 'node:os';\n",
  };
  const right: Readonly<Record<string, string>> = {
    'src/bin.ts': 'export const y = process.argv;\n',
    'src/cli/c.ts': "export { x } from 'commander';\nexport { y } from '../faults/registry.ts';\n",
    'src/experiment/c.ts': "export { x } from '../faults/fault.ts';\n",
    'src/faults/net/c.ts': "export { x } from '../common/measure.ts';\nexport { y } from '../fault.ts';\n",
    'src/kubernetes/c.ts': "export { x } from 'node:https';\n",
    'src/terminal/c.ts': "export { x } from 'ora';\nexport { y } from '../experiment/events.ts';\n",
  };
  try {
    for (const name of ['.biome.json', '.gitignore']) cpSync(join(root, name), join(folder, name));
    for (const [name, text] of Object.entries({ ...wrong, ...right })) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    const biome = join(root, 'node_modules/.bin/biome');
    const options = ['lint', '--reporter=json', '--max-diagnostics=none', '.'];
    const { stdout } = spawnSync(biome, options, { cwd: folder, encoding: 'utf8' });
    const { diagnostics } = JSON.parse(stdout) as {
      diagnostics: Array<{ category: string; location: { path: string | { file: string } } }>;
    };
    const restricted = diagnostics
      .filter(({ category }) => /noRestricted(?:Imports|Globals)$/.test(category))
      .map(({ location: { path } }) => (typeof path === 'string' ? path : path.file));
    expect([...new Set(restricted)].sort()).toEqual(Object.keys(wrong).sort());
  } finally {
    rmSync(folder, { recursive: true });
  }
});
