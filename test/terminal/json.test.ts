import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ChaosError } from '../../src/errors.ts';
import type { RunEvent } from '../../src/experiment/events.ts';
import { DocumentReporter, documentText, errorDocument } from '../../src/terminal/json.ts';
import { BufferOutput } from '../fakes/output.ts';
import { badRun, detachedRun, effectiveRun, unwatchedRun, watchedRun } from './events.ts';

function print(facts: readonly RunEvent[], format: 'json' | 'yaml' | 'ndjson'): string {
  const stdout = new BufferOutput();
  const reporter = new DocumentReporter(stdout, format);
  for (const fact of facts) reporter.report(fact);
  return stdout.text;
}

function keys(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, field]) => [
    ...(Array.isArray(value) ? [] : [key]),
    ...(key === 'requests' ? [] : keys(field)),
  ]);
}

describe('-o json', () => {
  test('is one document, the outcome', async () => {
    expect(JSON.parse(print(await effectiveRun(), 'json'))).toMatchSnapshot();
  });

  const commands = {
    attach: 'kubectl chaos attach chaos-7f3k2 -n shop',
    list: 'kubectl chaos ls -n shop',
    stop: 'kubectl chaos stop chaos-7f3k2 -n shop',
    sweep: 'kubectl chaos sweep node-3 -n shop',
    undo: 'kubectl -n shop delete pod,configmap -l kubectl-chaos.io/experiment=chaos-7f3k2',
  };

  test('of a detached run says how to come back to it, and until when', async () => {
    const { targets, ...document } = JSON.parse(print(await detachedRun(), 'json'));
    expect(targets).toMatchObject([{ target: { pod: 'web-7d4b9' }, fault: '2 busy CPUs' }]);
    expect(document).toEqual({
      cluster: { context: 'staging', server: 'https://cluster.test:6443' },
      ...{ apiVersion: 'kubectl-chaos.io/v1', kind: 'detached', id: 'chaos-7f3k2', exit_code: 0 },
      ...{ until: '2026-01-02T03:05:06.200Z', left_ms: 60_000, times: { active_ms: 200, total_ms: 200 } },
      selection: { seed: '7f3k2', skipped: [] },
      impact: { pods: 1, containers: 1, nodes: 1, workloads: [], broken_budgets: [], unknown: [] },
      requests: { 'create pods': 1, 'delete pods': 1 },
      attach: `${commands.attach} --context prod`,
      list: `${commands.list} --context prod`,
      stop: `${commands.stop} --context prod`,
      sweep: `${commands.sweep} --context prod`,
      undo: commands.undo.replace('kubectl', 'kubectl --context prod'),
    });
  });

  test('of one that is followed, and then left, is the same', async () => {
    expect(JSON.parse(print(await watchedRun(true), 'json'))).toMatchObject({ kind: 'detached', ...commands });
  });

  test('of one that is followed to its end is the outcome, with how much of it was seen', async () => {
    const document = JSON.parse(print(await watchedRun(), 'json'));
    expect(document).toMatchObject({
      kind: 'outcome',
      exit_code: 0,
      targets: [{ effective: true, watched_ms: 49_000 }],
    });
  });

  test('of one that nobody watched knows nothing of its effect', async () => {
    const document = JSON.parse(print(await unwatchedRun(), 'json'));
    expect(document).toMatchObject({
      ...{ kind: 'outcome', exit_code: 0, targets: [{ effective: null, watched_ms: 0, reverted: true }] },
    });
    expect(document.targets[0]).not.toHaveProperty('verdict');
  });

  test('an error is one too', () => {
    const text = errorDocument(new ChaosError('image', 'no such image', { hint: 'name another' }), 'json');
    expect(JSON.parse(text)).toEqual({
      apiVersion: 'kubectl-chaos.io/v1',
      kind: 'error',
      code: 'image',
      message: 'no such image',
      hint: 'name another',
      state: 'nothing was changed',
      exit_code: 1,
    });
  });
});

describe('-o yaml', () => {
  test('is the document of -o json', async () => {
    for (const events of [await effectiveRun(), await badRun(), await detachedRun()])
      expect(parse(print(events, 'yaml'))).toEqual(JSON.parse(print(events, 'json')));
  });

  test('is plain text, in which nothing moves the cursor', async () => {
    const text = print(await badRun(), 'yaml');
    expect(text).toMatch(/^apiVersion: kubectl-chaos.io\/v1\nkind: outcome\nid: chaos-7f3k2\n/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is the point
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });

  test('keeps every character of any text', () => {
    const characters = fc.oneof(
      fc.string(),
      fc.constantFrom('\u001b', '\u009b', '\u0085', '\u007f', '\n', '  ', '#', ': '),
    );
    fc.assert(
      fc.property(fc.array(characters), (pieces) => {
        const text = documentText({ kind: 'error', message: pieces.join('') }, 'yaml');
        expect(parse(text).message).toBe(pieces.join(''));
        // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is the point
        expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
      }),
      // Blanks alone on a line, which a block scalar would lose.
      { examples: [[['  ', '\n']], [['a\n', '  ', '\n', 'b']]] },
    );
  });
});

describe('-o ndjson', () => {
  test('is one document a line, the outcome last', async () => {
    const lines = print(await effectiveRun(), 'ndjson')
      .trimEnd()
      .split('\n');
    const documents = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(documents.map(({ kind }) => kind).filter((kind, i, all) => kind !== all[i - 1])).toEqual(
      'selecting selected impact planned launching resolved active output sample ended reverted removing removed outcome'.split(
        ' ',
      ),
    );
    expect(documents.filter(({ kind }) => kind !== 'sample' && kind !== 'outcome')).toMatchSnapshot();
    expect(documents.find(({ kind }) => kind === 'sample')).toMatchSnapshot();
  });
});

test('-o ndjson of one that is followed', async () => {
  const lines = print(await watchedRun(true), 'ndjson')
    .trimEnd()
    .split('\n');
  const documents = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(documents.map(({ kind }) => kind).filter((kind, i, all) => kind !== all[i - 1])).toEqual([
    ...['watching', 'sample', 'detached'],
  ]);
  expect(documents[0]).toMatchObject({ id: 'chaos-7f3k2', fault: '2 busy CPUs', ago_ms: 11_000, left_ms: 49_000 });
});

test('keys are in snake_case, names of requests as they are', async () => {
  const text = print(await badRun(), 'ndjson');
  for (const line of text.trimEnd().split('\n')) {
    const { apiVersion: _, ...document } = JSON.parse(line);
    for (const key of keys(document)) expect(key).toMatch(/^[a-z0-9_]+$/);
  }
  expect(text).toContain('"requests":{"create pods":1,"delete pods":1}');
});

test('nothing that a terminal would obey, and yet every character', async () => {
  const facts = await badRun();
  const text = print(facts, 'ndjson');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is the point
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  const read = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(read.find(({ kind }) => kind === 'output')?.text).toBe('\u001b[2J\u001b[Hyou are \rowned\u0008\u0007\n');
  expect(read.find(({ kind }) => kind === 'warning')?.message).toContain('\u009b2J');
});
