import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: new URL('../..', import.meta.url).pathname,
  test: {
    include: ['test/e2e/**/*.test.ts'],
    pool: 'forks',
    // One node: experiments side by side would measure each other.
    fileParallelism: false,
    // Of those that do not measure.
    maxConcurrency: 3,
    allowOnly: false,
    passWithNoTests: false,
    testTimeout: 120_000,
    hookTimeout: 180_000,
  },
});
