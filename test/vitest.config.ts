import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/e2e/**'],
    pool: 'forks',
    // A focused or empty test must not pass for a whole suite.
    allowOnly: false,
    passWithNoTests: false,
  },
});
