import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The kill matrix comes last: it restarts the node's programs, and this kubelet then acts on some pods up to a minute late. */
class Order extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isMatrix = ({ moduleId }: TestSpecification) => moduleId.includes('kill-matrix');
    const sorted = await super.sort(files);
    return [...sorted.filter((file) => !isMatrix(file)), ...sorted.filter(isMatrix)];
  }
}

/** Under emulation everything takes several times as long. */
const slowness = process.env.CHAOS_E2E_CLUSTER === 'vm' ? 3 : 1;

export default defineConfig({
  root: new URL('../..', import.meta.url).pathname,
  test: {
    include: ['test/e2e/**/*.test.ts'],
    globalSetup: ['test/e2e/support/observer.ts'],
    pool: 'forks',
    // One node: experiments side by side would measure each other.
    fileParallelism: false,
    // Of those that do not measure.
    maxConcurrency: 4,
    sequence: { sequencer: Order },
    allowOnly: false,
    passWithNoTests: false,
    testTimeout: 120_000 * slowness,
    hookTimeout: 180_000 * slowness,
  },
});
