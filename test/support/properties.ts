import fc from 'fast-check';

/** For every test file: where all tests have to pass at once, the examples are the same in each run, so that none is refused for what another has not met; elsewhere each run tries others. */
if (process.env.CI === 'true') fc.configureGlobal({ seed: 1 });
