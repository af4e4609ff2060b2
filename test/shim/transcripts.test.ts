import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parseShimEvent, type ShimEvent } from '../../src/shim/protocol.ts';
import { parseResidue, parseSwept } from '../../src/shim/swept.ts';
import { wireLine } from '../fakes/wire.ts';

/** What the real shim said, and after `> ` what it heard: recorded, and compared with the shim of today, by native/tests/transcript.sh. */
const folder = fileURLToPath(new URL('transcripts', import.meta.url));
const transcripts = new Map(
  globSync('*.jsonl', { cwd: folder })
    .sort()
    .map((file) => [basename(file, '.jsonl'), readFileSync(`${folder}/${file}`, 'utf8').trim().split('\n')]),
);
const linesOf = (name: string) => (transcripts.get(name) ?? []).filter((line) => !line.startsWith('> '));
const eventsOf = (name: string) => linesOf(name).map((line) => parseShimEvent(line));
const namesOf = (name: string) =>
  eventsOf(name).flatMap((event) => (event && !/^(?:sample|path|warning)$/.test(event.event) ? event.event : []));
const ofKind = <K extends ShimEvent['event']>(name: string, kind: K) =>
  eventsOf(name).filter((event) => event?.event === kind) as Array<Extract<ShimEvent, { event: K }>>;

describe('a recorded transcript of the shim', () => {
  test('is there for each verb', () => {
    expect([...transcripts.keys()]).toEqual(['agent', 'inspect', 'io', 'net', 'refused', 'run', 'sweep']);
  });

  test.each(['inspect', 'io', 'net', 'refused', 'run'])('%s: every event is read, with every field', (name) => {
    for (const line of linesOf(name))
      expect(JSON.parse(wireLine(parseShimEvent(line) ?? {})), line).toEqual(JSON.parse(line));
  });

  test('the events come in the order of the contract', () => {
    expect(namesOf('inspect')).toEqual(['resolved']);
    expect(namesOf('run')).toEqual(['resolved', 'active', 'ended', 'reverted']);
    expect(namesOf('io')).toEqual(['resolved', 'active', 'ended', 'reverted']);
    expect(namesOf('refused')).toEqual(['error']);
    expect(namesOf('net').filter((event) => event !== 'answer')).toEqual(['resolved', 'active', 'ended', 'reverted']);
  });

  test("the lines of an agent's shims are, without their tag, those of a shim by itself", () => {
    const tag = /^\{"target":"(web-[01])",/;
    const tagged = linesOf('agent').filter((line) => !line.startsWith('{"event":'));
    for (const line of tagged) {
      const own = line.replace(tag, '{');
      expect(JSON.parse(wireLine(parseShimEvent(own) ?? {})), line).toEqual(JSON.parse(own));
    }
    expect(new Set(tagged.map((line) => tag.exec(line)?.[1]))).toEqual(new Set(['web-0', 'web-1']));
  });

  test('what is asked is answered, and counted', () => {
    const ids = ofKind('net', 'answer').map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(['links', 'name', 'trip']));
    expect(ids.filter((id) => id === 'bytes').length).toBeGreaterThanOrEqual(2);
  });

  test('a disk is measured and its limit seen', () => {
    expect(ofKind('io', 'resolved')[0]?.path?.type).toBe('ext4');
    expect(ofKind('io', 'path').some((path) => path.ioLimits?.some(({ own }) => own))).toBe(true);
  });

  test('what a sweep finds is read, each of it', () => {
    const lines = linesOf('sweep');
    const residue = parseResidue(lines.join('\n'));
    expect(residue.map(({ what }) => what)).toEqual(['qdisc', 'link']);
    expect(residue).toHaveLength(lines.length - 1);
    expect(parseSwept(lines.at(-1) ?? '')).toMatchObject({ found: 2, removed: 2, left: 0 });
  });
});
