import { describe, expect, test } from 'vitest';
import { Trials } from '../../src/experiment/trials.ts';

const line = 'fresh trial:netem tc qdisc add dev lo root netem';
const answer = (id: string) => JSON.stringify({ target: 'target-0', event: 'answer', id, exit_code: 0 });

/** One that asks: `told` is what it hears, `sent` how often it has asked by itself, after another. */
class Asker {
  readonly told: string[] = [];
  sent = 0;
  readonly #trials: Trials;

  constructor(trials: Trials) {
    this.#trials = trials;
  }

  ask(words = line): boolean {
    const tell = (text: string) => void this.told.push(text);
    return this.#trials.ask(words, { asker: this, tell, send: () => this.sent++ });
  }

  hear(text: string): void {
    this.#trials.hear(this, text);
  }
}

describe('what one shim tries for all of a node', () => {
  test('is asked by the first, and told to the others, before and after it is answered', () => {
    const trials = new Trials();
    const [first, second, third] = [new Asker(trials), new Asker(trials), new Asker(trials)];
    expect(first.ask()).toBe(true);
    expect(second.ask()).toBe(false);
    second.hear(answer('trial:netem'));
    first.hear(answer('links'));
    first.hear('{"target":"target-0","event":"ans');
    expect(second.told).toEqual([]);
    first.hear(answer('trial:netem'));
    expect(third.ask()).toBe(false);
    first.hear(answer('trial:netem'));
    expect([first, second, third].map(({ told }) => told)).toEqual([
      [],
      [answer('trial:netem')],
      [answer('trial:netem')],
    ]);
  });

  test('is nothing that is asked of a target, nor another trial', () => {
    const trials = new Trials();
    for (const asker of [new Asker(trials), new Asker(trials)]) {
      expect(asker.ask('ask links ip -j link show')).toBe(true);
      expect(asker.ask('start')).toBe(true);
    }
    expect(new Asker(trials).ask()).toBe(true);
    expect(new Asker(trials).ask(`${line} delay 1ms`)).toBe(true);
  });

  test('is asked by the next one when the first has gone before it was answered', () => {
    const trials = new Trials();
    const [first, second, third] = [new Asker(trials), new Asker(trials), new Asker(trials)];
    for (const asker of [first, second, third]) asker.ask();
    trials.forget(second);
    trials.forget(first);
    expect([second.sent, third.sent]).toEqual([0, 1]);
    first.hear(answer('trial:netem'));
    third.hear(answer('trial:netem'));
    expect([second.told, third.told]).toEqual([[], []]);
    trials.forget(third);
    const fourth = new Asker(trials);
    expect(fourth.ask()).toBe(false);
    expect(fourth.told).toEqual([answer('trial:netem')]);
  });

  test('is asked anew where the only one that asked has gone', () => {
    const trials = new Trials();
    const [first, second] = [new Asker(trials), new Asker(trials)];
    first.ask();
    trials.forget(first);
    expect(second.ask()).toBe(true);
    second.hear(answer('trial:netem'));
    expect(first.ask()).toBe(false);
  });
});
