import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { repository } from './support/counts.ts';

interface Step {
  uses?: string;
  run?: string;
}
interface Workflow {
  permissions: object;
  jobs: Record<string, { permissions?: object; steps: Step[] }>;
}

const files = globSync('.github/workflows/*.yaml', { cwd: repository });
const { scripts } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

it('there is a workflow that makes a release', () => {
  expect(files).toContain('.github/workflows/release.yaml');
});

describe.each(files)('%s', (file) => {
  const { permissions, jobs } = parse(readFileSync(join(repository, file), 'utf8')) as Workflow;
  const steps = Object.values(jobs).flatMap(({ steps }) => steps);

  it('may do nothing but what each job says', () => {
    expect(permissions).toEqual({});
    for (const job of Object.values(jobs)) expect(job.permissions).toBeDefined();
  });

  it('takes actions of GitHub alone, by their major version', () => {
    const actions = steps.flatMap(({ uses }) => uses ?? []);
    expect(actions.length).toBeGreaterThan(0);
    for (const action of actions) expect(action).toMatch(/^actions\/[\w-]+@v\d+$/);
  });

  it('runs scripts that there are, and puts no text of others into a command', () => {
    const lines = steps.flatMap(({ run }) => run ?? []);
    const named = lines.flatMap((line) => /\bnpm (?:run )?([\w:-]+)(?= --)/.exec(line)?.[1] ?? []);
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
    expect(lines.filter((line) => line.includes('${{'))).toEqual([]);
  });
});
