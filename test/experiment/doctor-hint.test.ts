import { describe, expect, test } from 'vitest';
import { ChaosError, ExitCode, usageError } from '../../src/errors.ts';
import { startupFailure } from '../../src/experiment/agent-errors.ts';
import { checks } from '../../src/experiment/doctor/finding.ts';
import { withDoctor } from '../../src/experiment/doctor-hint.ts';
import { checkNode } from '../../src/kubernetes/node-check.ts';
import type { RunOptions } from '../../src/requests.ts';
import { plan, selection } from '../fakes/samples.ts';
import { readyNode } from '../kubernetes/objects.ts';
import { thrown } from '../kubernetes/support.ts';

const run: Pick<RunOptions, 'selection' | 'connection' | 'agentNamespace'> = {
  selection: selection({ kind: 'deployment', name: 'web' }, { namespace: 'shop' }),
  connection: { namespace: 'shop', context: 'prod', token: 'secret' },
  agentNamespace: undefined,
};
const command = 'kubectl chaos doctor deployment/web -n shop --context prod';

const hintOf = (error: unknown) => (withDoctor(error, run) as ChaosError).hint;

describe('an error that doctor has a line for ends with the command', () => {
  test.each([
    ['forbidden', 'rights'],
    ['admission', 'agent pod'],
    ['quota', 'agent pod'],
  ] as const)('%s', (code, line) => {
    expect(hintOf(new ChaosError(code, 'no', { hint: 'do this' }))).toBe(
      `do this; more in the line "${line}" of: ${command}`,
    );
    expect(checks).toContain(line);
  });

  test('whatever its hint is, and all else of it stays', () => {
    const error = new ChaosError('forbidden', 'no', { isPermanent: true, barsAttach: true, doctorLine: 'websocket' });
    expect(hintOf(error)).toBe(`More in the line "websocket" of: ${command}`);
    expect(hintOf(new ChaosError('quota', 'no', { hint: 'Do this.' }))).toBe(
      `Do this. More in the line "agent pod" of: ${command}`,
    );
    expect(withDoctor(error, run)).toMatchObject({
      ...{ code: 'forbidden', message: 'no', isPermanent: true, barsAttach: true, state: 'nothing was changed' },
      ...{ cause: error, exitCode: ExitCode.notInjected },
    });
  });

  test('with the container and the namespace that were asked for', () => {
    const asked = { ...run.selection, container: 'app' };
    const error = withDoctor(new ChaosError('forbidden', 'no'), { ...run, selection: asked, agentNamespace: 'chaos' });
    expect((error as ChaosError).hint).toContain(
      'deployment/web -n shop -c app --agent-namespace chaos --context prod',
    );
  });

  test('for the first of several; of pods with labels there is none that could be named', () => {
    const api = { kind: 'pod', name: 'api' } as const;
    const error = new ChaosError('forbidden', 'no');
    const several = { ...run.selection, from: [{ kind: 'deployment', name: 'web' } as const, api] };
    expect(withDoctor(error, { ...run, selection: several })).toMatchObject({ hint: expect.stringContaining(command) });
    expect(withDoctor(error, { ...run, selection: { ...several, from: { labels: 'app=web' } } })).toBe(error);
  });

  test('a node that is not ready, is of another kind, or has no room', () => {
    const conditions = [{ type: 'Ready', status: 'False' }];
    const idle = thrown(() => checkNode(readyNode((node) => Object.assign(node.status, { conditions }))));
    expect(hintOf(idle)).toContain('; more in the line "node" of: ');
    const nodeInfo = { operatingSystem: 'linux', architecture: 's390x' };
    const odd = thrown(() => checkNode(readyNode((node) => Object.assign(node.status, { nodeInfo }))));
    expect(hintOf(odd)).toContain('; more in the line "platform" of: ');
    const refused = (reason: string) =>
      startupFailure(plan(), 'target-0', { kind: 'status', phase: 'Failed', reason, message: 'm', containers: {} });
    expect(hintOf(refused('OutOfpods'))).toContain('ore in the line "room" of: ');
    expect(hintOf(refused('NodeAffinity'))).toContain('ore in the line "node" of: ');
  });
});

test.each([
  ['a wrong command line', usageError('--cpu: no')],
  ['what doctor has no line for', new ChaosError('image', 'no')],
  ['a fault that may be left', new ChaosError('forbidden', 'no', { exitCode: ExitCode.notReverted })],
  ['what is left, and the command that removes it', new ChaosError('quota', 'no', { state: 'pod/x may be left' })],
  ['a defect', new TypeError('x')],
])('%s stays as it is', (_what, error) => {
  expect(withDoctor(error, run)).toBe(error);
});
