import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parts } from '../krew/toolbox/parts.ts';
import { parseCommandLine } from '../src/cli/program.ts';
import { faultKinds } from '../src/faults/registry.ts';
import { repository } from './support/counts.ts';

const read = (path: string) => readFileSync(join(repository, path), 'utf8');
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

const kinds = faultKinds.map(({ verb }) => `src/faults/${verb}/README.md`);
const pages = [
  'README.md',
  'krew/README.md',
  'test/cluster/README.md',
  '.github/CONTRIBUTING.md',
  '.github/SECURITY.md',
  '.github/CHANGELOG.md',
  'native/README.md',
  'src/README.md',
  'src/cli/README.md',
  'src/terminal/README.md',
  'src/experiment/doctor/README.md',
  ...kinds,
];

/** Command lines of blocks and of inline code, without a prompt, a comment, a redirection and what it is piped into. */
function commandsOf(page: string, program: string): string[] {
  const text = read(page);
  const blocks = [...text.matchAll(/^ {4,}(?:\$ )?(\S.*)$/gm)];
  const inline = [...text.matchAll(/`([^`\n]+)`/g)];
  return [...blocks, ...inline]
    .map(([, line = '']) => line.replace(/\s+(?:#.*|> \S+|\| .*)$/, '').trim())
    .filter((line) => line.startsWith(program));
}

describe.each(pages)('%s', (page) => {
  it('shows only command lines that are read', () => {
    // A verb alone is the name of a verb.
    const lines = commandsOf(page, 'kubectl chaos ').filter((line) => line.split(' ').length > 3);
    for (const line of lines) {
      expect(() => parseCommandLine(line.split(' ').slice(2), '1.2.3'), line).not.toThrow();
    }
  });

  it('names only scripts that there are', () => {
    const named = commandsOf(page, 'npm ').map((line) => /^npm (?:run )?([\w:-]+)/.exec(line)?.[1] ?? '');
    expect(named.filter((name) => !Object.hasOwn(scripts, name) && !['install', 'ci'].includes(name))).toEqual([]);
  });

  it('links only to what there is', () => {
    const links = [...read(page).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(([, link = '']) => link);
    const paths = links.map((link) => join(dirname(page), link));
    expect(paths.filter((path) => !existsSync(join(repository, path)))).toEqual([]);
  });
});

describe('README', () => {
  const readme = read('README.md');

  it('is short enough to be read', () => {
    expect(readme.split(/\s+/).length).toBeLessThanOrEqual(1_200);
  });

  it('has its headings in their order', () => {
    const headings = [...readme.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual([
      'Try it in a minute',
      'What it needs, and what it costs',
      'Install',
      'Faults',
      'Stop and sweep',
      'In CI',
      'Supported',
      'Troubleshooting',
      'Beside others',
      'Guarantees',
    ]);
  });

  it('names messages that there are', () => {
    const table = readme.slice(readme.indexOf('| message |'), readme.indexOf('## Beside others'));
    const messages = [...table.matchAll(/^\| `([^`]+)` \|/gm)].map(([, message = '']) => message);
    expect(messages.length).toBeGreaterThan(4);
    const source = readdirSync(join(repository, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => read(`src/${name}`))
      .join('\n');
    expect(messages.filter((message) => !source.includes(message))).toEqual([]);
  });

  it('names the commands that continuous integration runs', () => {
    const lines = read('.ci/run').split('\n');
    const commands = lines.flatMap((line) => /npm (?:run )?[\w:-]+/.exec(line.replace(/#.*/, ''))?.[0] ?? []);
    expect(commands.length).toBeGreaterThan(0);
    for (const command of commands) expect(readme).toContain(`\`${command}\``);
  });

  it('leads to a role that can be read', () => {
    expect(readme).toContain('krew/rbac.yaml');
    const role = parse(read('krew/rbac.yaml')) as { kind: string; rules: { verbs: string[] }[] };
    expect(role.kind).toBe('ClusterRole');
    expect(role.rules.flatMap(({ verbs }) => verbs)).not.toContain('*');
  });
});

describe('SECURITY', () => {
  it('excepts in Falco every program that is executed from memory, by its path', () => {
    const [, block = ''] =
      /^## What a runtime monitor sees$.*?\n\n((?: {4}[^\n]*\n)+)/ms.exec(read('.github/SECURITY.md')) ?? [];
    const programs: readonly string[] = ['nsexec', ...Object.values(parts).flatMap((part) => part.programs)];
    const [exception] = parse(block.replaceAll(/^ {4}/gm, '')) as { condition: string }[];
    expect(exception).toMatchObject({ macro: 'known_memfd_execution_processes', override: { condition: 'append' } });
    const [, paths = ''] = /^or proc\.exepath in \((.*)\)$/.exec(exception?.condition ?? '') ?? [];
    expect(paths.split(', ').sort()).toEqual(programs.map((name) => `"memfd:${name}"`).sort());
  });
});
