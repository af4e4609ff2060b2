import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { agentPermissions, permissionOf, targetPermissions } from '../../src/kubernetes/permissions.ts';
import { resourceName } from '../../src/kubernetes/request.ts';
import { main } from '../../src/main.ts';
import { each, rbacCommand, rights } from '../../src/rights.ts';
import { commandPorts } from '../fakes/command-ports.ts';
import { repository } from '../support/counts.ts';

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}

interface Printed {
  kind: string;
  metadata: { name: string; namespace?: string };
  rules?: Rule[];
  roleRef?: { kind: string; name: string };
  subjects?: Record<string, string>[];
}

async function run(line: string, env: Record<string, string> = {}) {
  const at = commandPorts('rbac asks no cluster', { env });
  const code = await main(line.split(' '), at);
  return { code, stdout: at.stdout.text, stderr: at.stderr.text };
}

async function printed(line: string): Promise<Printed[]> {
  const { code, stdout } = await run(line);
  expect(code).toBe(0);
  return parseAllDocuments(stdout).map((document) => document.toJS() as Printed);
}

/** `create pods/attach`, with the group behind the resource. */
function given({ rules = [] }: Printed): string[] {
  return rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}${group ? `.${group}` : ''}`)),
    ),
  );
}

const named = ({ verb, resource, group }: { verb: string; resource: string; group: string }) =>
  `${verb} ${resource}${group ? `.${group}` : ''}`;

test('krew/rbac.yaml is what it prints: kubectl chaos rbac > krew/rbac.yaml', async () => {
  const { stdout, stderr } = await run('rbac');
  expect(readFileSync(join(repository, 'krew/rbac.yaml'), 'utf8')).toBe(stdout);
  expect(stderr).toBe('note: nobody is bound to it yet: add --user, --group or --serviceaccount, or bind it\n');
});

describe('the rights', () => {
  test('are each in the one ClusterRole, and nothing else is', async () => {
    const [role, ...others] = await printed('rbac');
    expect(others).toEqual([]);
    expect(role).toMatchObject({ kind: 'ClusterRole', metadata: { name: 'kubectl-chaos' } });
    expect(new Set(given(role as Printed))).toEqual(new Set(each(rights).map(named)));
    // Of one rule in the text each.
    expect(given(role as Printed)).toHaveLength(new Set(each(rights).map(named)).size);
  });

  test.each(['rbac', 'rbac -n shop', 'rbac -n shop --agent-namespace chaos'])(
    'that a run cannot do without are not among those that can be left out, by %s',
    async (line) => {
      let isOptional = false;
      const optional = (await run(line)).stdout.split('\n').flatMap((text) => {
        if (text.startsWith('  #')) isOptional = text.startsWith('  # optional: ');
        return isOptional && text.startsWith('  - ') ? given({ rules: parse(text) } as Printed) : [];
      });
      const apart = line.includes('--agent-namespace');
      const needed = each(rights).filter(
        ({ otherwise, place }) => otherwise === undefined && !(apart && place === 'agent'),
      );
      expect(optional).not.toEqual([]);
      expect(optional.filter((right) => needed.map(named).includes(right))).toEqual([]);
    },
  );

  test('are of resources that are asked for', () => {
    for (const asked of each(rights)) expect(permissionOf(asked).verb).toBe(asked.verb);
  });

  test('have no wildcard, no secret, and nothing that changes a target but its deletion', () => {
    const changing = each(rights).filter(({ verb }) => !['get', 'list', 'watch'].includes(verb));
    expect(changing.map(({ place, ...asked }) => `${place}: ${named(asked)}`)).toEqual([
      'target: create events',
      'agent: create pods',
      'agent: delete pods',
      'agent: create pods/attach',
      'agent: create configmaps',
      'agent: delete configmaps',
      'agent: patch configmaps',
      'target: delete pods',
    ]);
    expect(JSON.stringify(rights)).not.toMatch(/secrets|"\*"/);
  });

  test('are what a run is refused without', () => {
    const of = (some: typeof agentPermissions) => some.map((one) => `${one.verb} ${resourceName(one)}`);
    expect(of(targetPermissions)).toEqual(['get pods', 'list pods', 'watch pods']);
    expect(of(agentPermissions)).toEqual([
      ...['create pods', 'delete pods', 'get pods', 'list pods', 'watch pods', 'get pods/attach', 'create pods/attach'],
      ...['create configmaps', 'delete configmaps', 'patch configmaps', 'list events', 'watch events'],
    ]);
  });
});

describe('in a namespace', () => {
  test('what can be is a Role, and what cannot a ClusterRole without a right on pods', async () => {
    const objects = await printed('rbac -n shop --group on-call');
    expect(objects.map(({ kind, metadata }) => [kind, metadata.name, metadata.namespace])).toEqual([
      ['Role', 'kubectl-chaos', 'shop'],
      ['RoleBinding', 'kubectl-chaos:group:on-call', 'shop'],
      ['ClusterRole', 'kubectl-chaos-cluster', undefined],
      ['ClusterRoleBinding', 'kubectl-chaos-cluster:group:on-call', undefined],
    ]);
    const [role, binding, cluster] = objects as [Printed, Printed, Printed];
    expect(given(cluster)).toEqual(['get nodes', 'get runtimeclasses.node.k8s.io', 'list nodes', 'watch nodes']);
    expect(given(role)).toEqual(
      expect.arrayContaining(['create pods', 'get pods', 'create pods/attach', 'get namespaces']),
    );
    expect(given(role).filter((one) => / nodes$/.test(one))).toEqual([]);
    expect(binding).toMatchObject({
      roleRef: { kind: 'Role', name: 'kubectl-chaos' },
      subjects: [{ kind: 'Group', name: 'on-call', apiGroup: 'rbac.authorization.k8s.io' }],
    });
  });

  test('says what is not in it', async () => {
    const { stderr } = await run('rbac -n shop --user ada');
    expect(stderr).toBe(
      'note: left out, as it would have to be for every namespace: list and watch pods (other experiments, and evictions, on the node of the target); so those of the namespace alone are seen, and evictions do not end a fault\n',
    );
  });

  test.each(['rbac -n shop --agent-namespace chaos', 'rbac --agent-namespace chaos'])(
    'of its own for the agents: nobody creates pods elsewhere, by %s',
    async (line) => {
      const objects = await printed(line);
      const creating = objects.filter((one) => given(one).some((right) => /^create pods/.test(right)));
      expect(creating.map(({ metadata }) => metadata)).toEqual([{ name: 'kubectl-chaos-agent', namespace: 'chaos' }]);
      const names = objects.map(({ metadata }) => metadata.name);
      expect(names).not.toContain('kubectl-chaos');
    },
  );

  test('the same for both is one role', async () => {
    expect((await run('rbac -n shop --agent-namespace shop')).stdout).toBe((await run('rbac -n shop')).stdout);
    const env = { KUBECTL_CHAOS_AGENT_NAMESPACE: 'chaos' };
    expect((await run('rbac -n shop', env)).stdout).toBe((await run('rbac -n shop --agent-namespace chaos')).stdout);
  });
});

describe('the binding', () => {
  test.each([
    ['--user ada@example.com', { kind: 'User', name: 'ada@example.com' }, 'kubectl-chaos:user:ada@example.com'],
    [
      '--user arn:aws:iam::1:user/ada',
      { kind: 'User', name: 'arn:aws:iam::1:user/ada' },
      'kubectl-chaos:user:arn:aws:iam::1:user:ada',
    ],
    ['--group system:masters', { kind: 'Group', name: 'system:masters' }, 'kubectl-chaos:group:system:masters'],
    [
      '--serviceaccount ci:runner',
      { kind: 'ServiceAccount', name: 'runner', namespace: 'ci' },
      'kubectl-chaos:serviceaccount:ci:runner',
    ],
  ])('of %s', async (flags, subject, name) => {
    const [, binding] = await printed(`rbac ${flags}`);
    expect(binding).toMatchObject({ kind: 'ClusterRoleBinding', metadata: { name }, subjects: [subject] });
    expect(binding?.subjects?.[0]).toEqual(
      subject.kind === 'ServiceAccount' ? subject : { ...subject, apiGroup: 'rbac.authorization.k8s.io' },
    );
  });

  test('of a name that is YAML is that name', async () => {
    const at = commandPorts('rbac asks no cluster');
    expect(await main(['rbac', '--user', 'x: {y} # "z"'], at)).toBe(0);
    const [, binding] = parseAllDocuments(at.stdout.text).map((document) => document.toJS() as Printed);
    expect(binding?.subjects?.[0]?.name).toBe('x: {y} # "z"');
  });
});

test('-o json is a list of the same', async () => {
  const { stdout } = await run('rbac -n shop --user ada -o json');
  expect(JSON.parse(stdout)).toEqual({
    apiVersion: 'v1',
    kind: 'List',
    items: await printed('rbac -n shop --user ada'),
  });
  expect(parse(stdout)).toMatchObject({ kind: 'List' });
});

test('what an alias for kubectl carries changes nothing', async () => {
  expect((await run('rbac --context prod --kubeconfig k --token t -s https://a -n shop')).stdout).toBe(
    (await run('rbac -n shop')).stdout,
  );
});

test.each([
  [{}, 'kubectl chaos rbac'],
  [{ user: 'ada', namespace: 'shop' }, 'kubectl chaos rbac --user ada -n shop'],
  [{ user: "o'neil x" }, "kubectl chaos rbac --user 'o'\\''neil x'"],
  [{ user: 'system:serviceaccount:ci:runner' }, 'kubectl chaos rbac --serviceaccount ci:runner'],
])('the command for %j', (what, command) => {
  expect(rbacCommand(what)).toBe(command);
});
