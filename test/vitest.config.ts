import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/e2e/**'],
    setupFiles: ['test/support/properties.ts'],
    pool: 'forks',
    // No module of ours keeps anything between tests: loading them anew for each file would be a third of the time.
    isolate: false,
    // For what hangs: a machine that is busy with something else may take several times as long as usual.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
    // A focused or empty test must not pass for a whole suite.
    allowOnly: false,
    passWithNoTests: false,
  },
});
