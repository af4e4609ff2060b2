import { describe, expect, test } from 'vitest';
import { Trials } from '../../src/experiment/trials.ts';

const line = 'fresh trial:netem tc qdisc add dev lo root netem';
const answer = (id: string) => JSON.stringify({ target: 'target-0', event: 'answer', id, exit_code: 0 });

describe('what one shim tries for all of a node', () => {
  test('is asked by the first, and told to the others, before and after it is answered', () => {
    const trials = new Trials();
    const [first, second, third] = [{}, {}, {}];
    const told: string[] = [];
    expect(trials.ask(first, line, (text) => told.push(`1 ${text}`))).toBe(true);
    expect(trials.ask(second, line, (text) => told.push(`2 ${text}`))).toBe(false);
    trials.hear(second, answer('trial:netem'));
    trials.hear(first, answer('links'));
    trials.hear(first, '{"target":"target-0","event":"ans');
    expect(told).toEqual([]);
    trials.hear(first, answer('trial:netem'));
    expect(trials.ask(third, line, (text) => told.push(`3 ${text}`))).toBe(false);
    trials.hear(first, answer('trial:netem'));
    expect(told).toEqual([`2 ${answer('trial:netem')}`, `3 ${answer('trial:netem')}`]);
  });

  test('is nothing that is asked of a target, nor another trial, nor one of a stream before', () => {
    const trials = new Trials();
    const never = () => expect.unreachable();
    for (const asker of [{}, {}]) {
      expect(trials.ask(asker, 'ask links ip -j link show', never)).toBe(true);
      expect(trials.ask(asker, 'start', never)).toBe(true);
    }
    expect(trials.ask({}, line, never)).toBe(true);
    expect(trials.ask({}, `${line} delay 1ms`, never)).toBe(true);
    trials.clear();
    expect(trials.ask({}, line, never)).toBe(true);
  });
});
