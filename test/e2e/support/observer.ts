import { startObserver, untilNothingLeft } from './node.ts';

/** Before the first file, in vitest's own process: the observer of all files. After the last one: of none is anything left. */
export default async function observe(): Promise<() => Promise<void>> {
  await startObserver();
  return () => untilNothingLeft(20);
}
