import { describe, expect, test } from 'vitest';
import { parseCommandLine } from '../../src/cli/program.ts';
import { faultKinds } from '../../src/faults/registry.ts';

const never = [
  ...['--as', '--as-group', '--as-uid', '--yes', '--all', '--all-nodes', '--insecure-skip-tls-verify'],
  ...['--all-containers', '--allow-system', '--allow-node-memory', '--allow-node-disk', '--allow-host-network'],
];

/** Every word that is one edit away from a flag's name. */
function misspellings(flag: string): string[] {
  const name = flag.slice(2);
  const at = [...name].map((_, index) => index);
  return [
    ...at.map((index) => name.slice(0, index) + name.slice(index + 1)),
    ...at.flatMap((index) => ['e', 's', 'y'].map((letter) => name.slice(0, index) + letter + name.slice(index + 1))),
    ...['e', 's', 'y'].map((letter) => name + letter),
  ]
    .filter((word) => /^[a-z]/.test(word))
    .map((word) => `--${word}`);
}

describe.each([...faultKinds.map(({ verb }) => verb), 'run', 'ls', 'attach', 'stop', 'sweep', 'doctor', 'rbac'])(
  'of %s',
  (verb) => {
    test('no hint leads to a flag that takes a safeguard away or impersonates', () => {
      const hints = never.flatMap(misspellings).flatMap((word) => {
        try {
          parseCommandLine([verb, 'web', word], '1.2.3');
          return [];
        } catch (error) {
          return /did you mean (\S+)\?/.exec((error as Error).message)?.[1] ?? [];
        }
      });
      expect(hints.filter((hint) => never.includes(hint))).toEqual([]);
    });
  },
);
