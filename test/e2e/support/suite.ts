import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { clusterKind, makeNamespace, removeNamespace, startTarget } from './cluster.ts';
import { lookOnlyAt, notePods, untilNothingLeft } from './node.ts';

/** A namespace of an e2e file's own with these targets running in it. */
export function scene(namespace: string, targets: readonly string[]): void {
  beforeAll(async () => {
    await makeNamespace(namespace);
    await Promise.all(targets.map((target) => startTarget(namespace, target)));
  });
  afterAll(async () => {
    // On the emulated machine, which goes with all that is on it, ending a pod would be measured with the next file.
    if (clusterKind !== 'vm') await removeNamespace(namespace);
  });
}

/** After each test the check that nothing is left (G4) whatever the test was about, and `more` checks of the file's own. */
export function leavesNothing(more: () => Promise<void> = () => Promise.resolve()): void {
  afterEach(async () => {
    await Promise.all([untilNothingLeft(3), more()]);
  });
}

/** The frame of an e2e file whose tests come one after the other, on a node that is theirs. */
export function suite(namespace: string, targets: readonly string[], more?: () => Promise<void>): void {
  scene(namespace, targets);
  leavesNothing(more);
}

/** The same for a file that measures no share of the node, and may run beside others of this kind: it looks only at what is its own, and the end of the run (observer.ts) at all. */
export function suiteBesideOthers(namespace: string, targets: readonly string[], more?: () => Promise<void>): void {
  lookOnlyAt(namespace);
  scene(namespace, targets);
  beforeEach(notePods);
  leavesNothing(more);
}
