import { expect, test } from 'vitest';
import { EffectWatch } from '../../src/experiment/effect.ts';

test('the effect of an active fault is what its verdict would be by now', () => {
  let verdict: { effective: boolean; unmeasured?: true } = { effective: false };
  const watch = new EffectWatch(() => verdict);
  expect(watch.after(1)).toBe('unseen');
  verdict = { effective: false, unmeasured: true };
  expect(watch.after(2)).toBe('unmeasured');
  verdict = { effective: true };
  expect(watch.after(3)).toBe('seen');
});

test('it is looked at with every sample at first, and once a minute in a long run', () => {
  let looks = 0;
  const watch = new EffectWatch(() => {
    looks++;
    return { effective: true };
  });
  for (let samples = 1; samples <= 20; samples++) watch.after(samples);
  expect(looks).toBe(20);
  for (let samples = 21; samples <= 3_600; samples++) watch.after(samples);
  expect(looks).toBeLessThan(20 + 40 + 60);
  looks = 0;
  for (let samples = 3_601; samples <= 7_200; samples++) watch.after(samples);
  expect(looks).toBe(60);
});
