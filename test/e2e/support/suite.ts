import { afterAll, afterEach, beforeAll } from 'vitest';
import { makeNamespace, removeNamespace, startTarget } from './cluster.ts';
import { startObserver, untilNothingLeft } from './node.ts';

/**
 * The frame of an e2e file: a namespace of its own with these targets running in it, the observer, and after each test the check that nothing is left (G4) whatever the test was about, and `more` checks of the file's own.
 */
export function suite(
  namespace: string,
  targets: readonly string[],
  more: () => Promise<void> = () => Promise.resolve(),
): void {
  beforeAll(async () => {
    await startObserver();
    await makeNamespace(namespace);
    for (const target of targets) await startTarget(namespace, target);
  });
  afterEach(async () => {
    await Promise.all([untilNothingLeft(3), more()]);
  });
  afterAll(async () => {
    await removeNamespace(namespace);
  });
}
