import { test } from 'vitest';
import { expectWrong, type Wrong } from '../../support/wrong-input.ts';

const wrong: readonly Wrong[] = [
  ['pause', 'TARGET is required: name a pod, or a workload such as deploy/web, or use --selector'],
  [
    'pause web A',
    'TARGET "A": "A" is not a valid name of a Kubernetes object (lower-case letters, digits, "-" and ".")',
  ],
  ['pause web --match', '--match requires a value'],
  [['pause', 'web', '--match', ''], '--match "": must be a name or a pattern, such as nginx or "*worker*"'],
  [['pause', 'web', '--match', ' '], '--match " ": must be a name or a pattern, such as nginx or "*worker*"'],
  [['pause', 'web', '--match', 'a\nb'], '--match "a\\nb": must not contain control characters'],
  [['pause', 'web', '--match', 'a\0b'], '--match "a\\u0000b": must not contain control characters'],
  [['pause', 'web', '--match', 'x'.repeat(129)], '--match: must be at most 128 bytes'],
  [['pause', 'web', '--match', 'ä'.repeat(65)], '--match: must be at most 128 bytes'],
  ['pause web --allow-restart=maybe', '--allow-restart "maybe": must be true or false'],
  ['pause web --allow-restrat', 'unknown flag --allow-restrat'],
  ['pause web --cpu 2', 'unknown flag --cpu; it is a flag of stress'],
  ['pause secret/web', 'TARGET "secret/web": "secret" is not a supported kind'],
  ['pause web --duration 0s', '--duration "0s": must be from 1s to 24h'],
  [['pause', 'web', '--', 'true'], 'pause takes no arguments after "--"'],
];

test.each(wrong)('%j', expectWrong);
