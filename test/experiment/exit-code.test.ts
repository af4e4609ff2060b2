import { expect, test } from 'vitest';
import { worstExitCode } from '../../src/experiment/exit-code.ts';

test.each([
  [[0, 0], 0],
  [[0, 3], 3],
  [[0, 130, 3], 3],
  [[130, 130], 130],
  [[3, 4, 0], 4],
  [[1, 1], 1],
  // Something was changed.
  [[1, 0], 3],
  [[1, 130], 130],
])('of targets that ended with %o it is %i', (codes, worst) => {
  expect(worstExitCode(codes)).toBe(worst);
});
