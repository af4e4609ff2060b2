import { describe, expect, it } from 'vitest';
import { Queue } from '../src/queue.ts';

describe('Queue', () => {
  it('keeps the order, and gives an error after what came before it', async () => {
    const queue = new Queue<number>();
    queue.push(1);
    setTimeout(() => {
      queue.push(2);
      queue.fail(new Error('broken'));
      queue.push(3);
    });
    const seen: number[] = [];
    await expect(
      (async () => {
        for await (const item of queue) seen.push(item);
      })(),
    ).rejects.toThrow('broken');
    expect(seen).toEqual([1, 2]);
  });

  it('takes nothing more once its reader has left', async () => {
    const queue = new Queue<number>();
    queue.push(1);
    for await (const _ of queue) break;
    queue.push(2);
    expect(queue.shift()).toBeUndefined();
  });

  it('pipes a source into it, and what is made of its failure', async () => {
    const queue = new Queue<string>();
    async function* source() {
      yield 1;
      throw new Error('broken');
    }
    await queue.pipe(
      source(),
      (value) => `got ${value}`,
      (error) => String(error),
    );
    queue.end();
    const seen: string[] = [];
    for await (const item of queue) seen.push(item);
    expect(seen).toEqual(['got 1', 'Error: broken']);
  });
});
