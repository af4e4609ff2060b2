import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseCommandLine } from '../../src/cli/program.ts';
import { bundle, findKubectl, type Program, versionOf } from './programs.ts';
import { rows } from './rows.ts';
import { runSide, type Scene, type Seen } from './side.ts';
import { spellings } from './spellings.ts';
import { agentPod, streams } from './streams.ts';

/**
 * kubectl 1.36 and ours, a process each, on the same kubeconfig, flags, environment and proxy, each before an API server of its own: what kubectl does is right.
 * A row that differs on purpose says why, and fails when it no longer differs.
 */
const kubectl = findKubectl();
const why = 'why' in kubectl ? ` (skipped: ${kubectl.why})` : '';
if (why) process.stderr.write(`beside kubectl 1.36${why}\n`);
const folder = mkdtempSync(join(tmpdir(), 'kubectl-'));
let ours: Program;
let theirs: Program;
beforeAll(async () => {
  if (!('path' in kubectl)) return;
  ours = await bundle(join(folder, 'ours'));
  theirs = [kubectl.path];
});
afterAll(() => rmSync(folder, { recursive: true }));

const run = (program: Program, row: Scene, words: readonly string[]): Promise<Seen> =>
  runSide(folder, program, row, words);

/** Reads the words as the program does, without a process for it. */
function understood(words: readonly string[]): Pick<Seen, 'code' | 'stderr'> {
  try {
    parseCommandLine(words, '1.2.3');
    return { code: 0, stderr: '' };
  } catch (error) {
    return { code: 2, stderr: String(error) };
  }
}

describe.skipIf('why' in kubectl)(`beside kubectl 1.36${why}`, () => {
  it('the judge is of the version that the recorded answers are of', () => {
    expect(versionOf(theirs[0], folder)).toMatch(/^v1\.36\./);
  });

  it.concurrent.each(rows)('$what', { timeout: 180_000 }, async (row) => {
    const [judge, mine] = await Promise.all([
      run(theirs, row, row.single ? ['get', '--raw', '/api/v1/namespaces/default/pods'] : ['get', 'pods']),
      run(ours, row, ['ls']),
    ]);
    const outcome = ({ code, view }: Seen): unknown =>
      code === 0 ? { connects: view } : code === null ? 'hangs' : 'refuses';
    const said = `kubectl: ${judge.code} ${judge.stderr}\nours: ${mine.code} ${mine.stderr}`;
    expect(judge.code === 0 ? 'connects' : 'refuses', said).toBe(row.kubectl);
    if (row.differs) expect(outcome(mine), said).not.toEqual(outcome(judge));
    else expect(outcome(mine), said).toEqual(outcome(judge));
  });

  it.concurrent.each(spellings)('$what', { timeout: 180_000 }, async (row) => {
    const isObject = row.compare === 'object';
    const [judge, mine] = await Promise.all([
      run(theirs, row, row.judge),
      isObject ? run(ours, row, row.ours) : { ...understood(row.ours), object: undefined },
    ]);
    const said = `kubectl: ${judge.code} ${judge.stderr}\nours: ${mine.code} ${mine.stderr}`;
    const judged = isObject ? judge.object : judge.code === 0;
    const done = isObject ? mine.object : mine.code === 0;
    if (row.differs) expect(done, said).not.toEqual(judged);
    else expect(done, said).toEqual(judged);
    expect(row.compare === 'object' ? judge.object !== undefined : judge.code === 0, said).toBe(row.accepted);
  });

  it.concurrent.each(streams)('$what', { timeout: 180_000 }, async (row) => {
    const [judge, mine] = await Promise.all([
      run(theirs, row, ['attach', '-i', agentPod.name, '-c', agentPod.container]),
      run(ours, row, ['attach', agentPod.experiment]),
    ]);
    const said = `kubectl: ${judge.code} ${judge.stderr}\nours: ${mine.code} ${mine.stdout}${mine.stderr}`;
    const outcome = ({ code, stream }: Seen): unknown => stream ?? (code ? 'refuses' : 'hangs');
    expect(judge.stream ? 'connects' : 'refuses', said).toBe(row.kubectl);
    if (row.differs) expect(outcome(mine), said).not.toEqual(outcome(judge));
    else expect(outcome(mine), said).toEqual(outcome(judge));
    if (row.says) expect(mine.stderr).toMatch(row.says);
  });
});
