import { expect, test } from 'vitest';
import { parse } from 'yaml';
import type { CommandPorts } from '../../src/commands/ports.ts';
import { ChaosError } from '../../src/errors.ts';
import { main } from '../../src/main.ts';
import { commandPorts } from '../fakes/command-ports.ts';

// sha256sum of "amd64", and of "arm64".
const sums = {
  amd64: '5861314d7fccb39c2192173240eab44fa35ca66426201ca2acd0630a6258dd51',
  arm64: 'f69162950f235e3cdbbad33f1f912d1a504be90d8a37d002c735d6f3e3882265',
};

const ports = (shim: CommandPorts['shim']) => commandPorts('version asks nobody', { shim });

const whole: CommandPorts['shim'] = async (architecture) => new TextEncoder().encode(architecture);

const document = {
  ...{ apiVersion: 'kubectl-chaos.io/v1', kind: 'version', version: '1.2.3', commit: 'c0ffee' },
  shims: [
    { architecture: 'amd64', sha256: sums.amd64 },
    { architecture: 'arm64', sha256: sums.arm64 },
  ],
  node_version: 'v22.19.0',
};

test('says version, commit, the sums of the shims, and Node', async () => {
  const at = ports(whole);
  expect(await main(['version'], at)).toBe(0);
  expect(at.stdout.text).toBe(
    `version     1.2.3\ncommit      c0ffee\nshim amd64  sha256:${sums.amd64}\nshim arm64  sha256:${sums.arm64}\nNode.js     v22.19.0\n`,
  );
  expect(at.stderr.text).toBe('');
});

test.each<[format: string, read: (text: string) => unknown]>([
  ['json', JSON.parse],
  ['yaml', parse],
])('-o %s is one document', async (format, read) => {
  const at = ports(whole);
  expect(await main(['version', '--client', '--context', 'prod', '-o', format], at)).toBe(0);
  expect(read(at.stdout.text)).toEqual(document);
});

test('says that a shim is missing, and is no failure for that', async () => {
  const lost: CommandPorts['shim'] = async (architecture) => {
    if (architecture === 'arm64') throw new ChaosError('shim-missing', 'not there');
    return whole(architecture);
  };
  const at = ports(lost);
  expect(await main(['version'], at)).toBe(0);
  expect(at.stdout.text).toContain('shim arm64  missing\n');
  const other = ports(lost);
  await main(['version', '-o', 'json'], other);
  expect(JSON.parse(other.stdout.text).shims[1]).toEqual({ architecture: 'arm64' });
});
