import { describe, expect, test } from 'vitest';
import { parseCommandLine } from '../../src/cli/program.ts';
import { main } from '../../src/main.ts';
import type { AgentOptions } from '../../src/requests.ts';
import { commandPorts } from '../fakes/command-ports.ts';
import { expectWrong, type Wrong } from '../support/wrong-input.ts';

function agentOf(line: string | string[], env: Record<string, string> = {}): AgentOptions {
  const invocation = parseCommandLine(typeof line === 'string' ? line.split(' ') : line, '1.2.3', env);
  if (invocation.kind === 'sweep') return invocation.request;
  if (invocation.kind !== 'run') throw new Error(`not a run: ${JSON.stringify(invocation)}`);
  return invocation.request.run;
}

describe.each(['stress web --cpu 1', 'net web --delay 1s', 'sweep node-1'])('the agent pod of %s', (command) => {
  test('as flags ask for it', () => {
    const flags =
      '--agent-label owner=team-a,cost=42 --agent-label empty= --agent-annotation example.com/why=a=b,c --agent-requests cpu=50m,memory=64Mi --agent-limits cpu=1 --agent-limits ephemeral-storage=1Gi --priority-class system-node-critical';
    expect(agentOf(`${command} ${flags}`).shape).toEqual({
      labels: { owner: 'team-a', cost: '42', empty: '' },
      annotations: { 'example.com/why': 'a=b,c' },
      requests: { cpu: '50m', memory: '64Mi' },
      limits: { cpu: '1', 'ephemeral-storage': '1Gi' },
      priorityClass: 'system-node-critical',
    });
  });

  const env = {
    KUBECTL_CHAOS_IMAGE: 'tools:2',
    KUBECTL_CHAOS_IMAGE_PULL_SECRET: 'key',
    KUBECTL_CHAOS_AGENT_NAMESPACE: 'chaos',
    KUBECTL_CHAOS_AGENT_LABEL: 'owner=team-a,cost=42',
    KUBECTL_CHAOS_AGENT_ANNOTATION: 'example.com/why=a,b\nexample.com/who=c\n',
    KUBECTL_CHAOS_AGENT_REQUESTS: 'cpu=50m',
    KUBECTL_CHAOS_AGENT_LIMITS: 'cpu=500m\nmemory=256Mi',
    KUBECTL_CHAOS_PRIORITY_CLASS: 'high',
  };

  test('as variables ask for it', () => {
    expect(agentOf(command, env)).toMatchObject({
      ...{ image: 'tools:2', imagePullSecret: 'key', agentNamespace: 'chaos' },
      shape: {
        labels: { owner: 'team-a', cost: '42' },
        annotations: { 'example.com/why': 'a,b', 'example.com/who': 'c' },
        requests: { cpu: '50m' },
        limits: { cpu: '500m', memory: '256Mi' },
        priorityClass: 'high',
      },
    });
  });

  test('a flag counts more than its variable, of a list each part by itself', () => {
    const flags =
      '--image mine:3 --image-pull-secret other --agent-namespace tools --agent-label owner=team-b --agent-requests memory=64Mi --priority-class low';
    expect(agentOf(`${command} ${flags}`, env)).toMatchObject({
      ...{ image: 'mine:3', imagePullSecret: 'other', agentNamespace: 'tools' },
      shape: {
        labels: { owner: 'team-b', cost: '42' },
        requests: { cpu: '50m', memory: '64Mi' },
        priorityClass: 'low',
      },
    });
  });

  test('an empty variable counts as none', () => {
    expect(agentOf(command, Object.fromEntries(Object.keys(env).map((name) => [name, ''])))).toEqual(agentOf(command));
  });
});

const name = 'must be a valid name (lower-case letters, digits and "-", at most 63 characters)';

describe('wrong', () => {
  const wrong: readonly Wrong[] = [
    ['--agent-label owner', '--agent-label "owner": must be KEY=VALUE, such as owner=team-a'],
    ['--agent-label =a', '--agent-label "=a": must be KEY=VALUE, such as owner=team-a'],
    ['--agent-label a/b/c=d', '--agent-label "a/b/c=d": "a/b/c" is not a valid key'],
    ['--agent-label A.com/b=d', '--agent-label "A.com/b=d": "A.com/b" is not a valid key'],
    ['--agent-label owner=-', '--agent-label "owner=-": "-" is not a valid label value'],
    [
      '--agent-label kubectl-chaos.io/experiment=x',
      '--agent-label "kubectl-chaos.io/experiment=x": kubectl-chaos.io/experiment is set by kubectl chaos itself',
    ],
    [
      '--agent-label app.kubernetes.io/managed-by=helm',
      '--agent-label "app.kubernetes.io/managed-by=helm": app.kubernetes.io/managed-by is set by kubectl chaos itself',
    ],
    [
      '--agent-annotation kubectl-chaos.io/undo=true',
      '--agent-annotation "kubectl-chaos.io/undo=true": kubectl-chaos.io/undo is set by kubectl chaos itself',
    ],
    ['--agent-requests gpu=1', '--agent-requests "gpu=1": the resource must be one of: cpu, memory, ephemeral-storage'],
    ['--agent-requests cpu=fast', '--agent-requests "cpu=fast": "fast" must be a quantity such as 100m or 128Mi'],
    ['--agent-limits memory=0', '--agent-limits "memory=0": "0" must be a quantity such as 100m or 128Mi'],
    [
      '--agent-requests cpu=2 --agent-limits cpu=1500m',
      '--agent-requests cpu=2: must be at most --agent-limits cpu=1500m',
    ],
    ['--priority-class High', '--priority-class "High": must be the name of a priority class'],
    ['--agent-namespace Shop', `--agent-namespace "Shop": ${name}`],
  ];
  test.each(wrong)('%s', async (flags, message) => {
    await expectWrong(`io web --path /data --fill 50% ${flags}`, message);
    await expectWrong(`sweep node-1 ${flags}`, message);
  });

  test.each([
    ['KUBECTL_CHAOS_AGENT_NAMESPACE', 'Shop', `$KUBECTL_CHAOS_AGENT_NAMESPACE "Shop": ${name}`],
    [
      'KUBECTL_CHAOS_AGENT_LABEL',
      'owner',
      '$KUBECTL_CHAOS_AGENT_LABEL "owner": must be KEY=VALUE, such as owner=team-a',
    ],
    ['KUBECTL_CHAOS_IMAGE', 'a b', '$KUBECTL_CHAOS_IMAGE "a b": must be an image reference'],
  ])('$%s is named, before any request', async (variable, value, message) => {
    const at = commandPorts('nothing must be asked', { env: { [variable]: value } });
    expect(await main('stress web --cpu 1'.split(' '), at)).toBe(2);
    expect(at.stderr.text.split('\n')[0]).toBe(`error: ${message}`);
  });
});
