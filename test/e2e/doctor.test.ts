import { describe, expect, it } from 'vitest';
import { faultsOf } from '../support/documents.ts';
import { apply, kubectl, kubectlJson } from './support/cluster.ts';
import { kubectlProxy, withoutUpgrade } from './support/http-proxy.ts';
import { chaos, type Ended } from './support/plugin.ts';
import { suiteBesideOthers } from './support/suite.ts';

const ns = 'chaos-e2e-doctor';
suiteBesideOthers(ns, ['deployment']);

interface Line {
  check: string;
  state: 'ok' | 'warning' | 'problem' | 'unknown';
  finding: string;
  remedy?: string;
}

interface Examined {
  node: string;
  target: { namespace: string; pod: string; container: string };
  findings: Line[];
  exit_code: number;
}

function examined(ended: Ended): Examined {
  const document = JSON.parse(ended.stdout) as Examined;
  expect(faultsOf({ ...document })).toEqual([]);
  return document;
}

const linesOf = ({ findings }: Examined, check: string) => findings.filter((line) => line.check === check);

/** What there is in the namespace, and in which version each of it is. */
async function versions(): Promise<string[]> {
  const { items } = await kubectlJson<{ items: { kind: string; metadata: { name: string; uid: string } }[] }>(
    ...['-n', ns, 'get', 'pods,configmaps,deployments,replicasets'],
  );
  return items.map(({ kind, metadata }) => `${kind} ${metadata.name} ${metadata.uid}`).sort();
}

describe('doctor', () => {
  it('finds no problem where there is none, and changes nothing', async () => {
    const before = await versions();
    const ended = await chaos('doctor', 'deploy/web', '-n', ns, '-o', 'json');
    const document = examined(ended);
    const problems = document.findings.filter(({ state }) => state === 'problem');
    expect(problems, ended.stdout).toEqual([]);
    expect(ended.code, ended.stderr).toBe(0);
    expect(document.target).toMatchObject({ namespace: ns });
    for (const check of ['server', 'clock', 'rights', 'websocket', 'target', 'node', 'platform', 'room', 'agent pod']) {
      expect(
        linesOf(document, check).map(({ state }) => state),
        check,
      ).toContain('ok');
    }
    expect(linesOf(document, 'websocket')[0]?.finding).toContain('a watch came through one');
    expect(linesOf(document, 'replicas')[0]?.finding).toContain('deployment/web');
    expect(await versions()).toEqual(before);
  });

  it('looks at a node, and at the cluster alone', async () => {
    const { node } = examined(await chaos('doctor', 'deploy/web', '-n', ns, '-o', 'json'));
    const ofNode = await chaos('doctor', '--node', node, '-n', ns);
    expect(ofNode.code, ofNode.stdout + ofNode.stderr).toBe(0);
    expect(ofNode.stdout).toMatch(new RegExp(`^ok +node +${node} is ready`, 'm'));
    const alone = await chaos('doctor', '-n', ns);
    expect(alone.code, alone.stdout + alone.stderr).toBe(0);
    expect(alone.stdout).toMatch(/^ok +websocket +they pass: a watch was opened by one/m);
  });

  it('looks from the node with --on-node, and leaves nothing', async () => {
    const before = await versions();
    const ended = await chaos('doctor', 'deploy/web', '-n', ns, '--on-node', '--yes', '-o', 'json');
    const document = examined(ended);
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    const [kernel, more, ...modules] = linesOf(document, 'kernel');
    expect(kernel?.finding).toMatch(/^Linux \d/);
    expect(more).toMatchObject({ state: 'ok', finding: expect.stringMatching(/^cgroup (?:v1|v2|hybrid), /) });
    expect(modules.map(({ finding }) => finding).join()).toMatch(/sch_netem|every module/);
    expect(linesOf(document, 'oom').map(({ state }) => state)).not.toContain('unknown');
    expect(await versions()).toEqual(before);
  });

  it('creates nothing on the node where nobody has agreed to it', async () => {
    const ended = await chaos('doctor', 'deploy/web', '-n', ns, '--on-node');
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    expect(ended.stdout).toMatch(/^unknown +agent pod +nothing was looked at from the node/m);
  });

  it('says that a target is not there, and goes on with the rest', async () => {
    const ended = await chaos('doctor', 'pod/none', '-n', ns);
    expect(ended.code, ended.stdout + ended.stderr).toBe(1);
    expect(ended.stdout).toMatch(/^problem +target +there is no pod "none"/m);
    expect(ended.stdout).toMatch(/^ok +rights /m);
  });

  it('sees a proxy that drops upgrades', async () => {
    const behind = await kubectlProxy('--reject-paths=^$');
    const proxy = await withoutUpgrade(behind.url);
    try {
      const ended = await chaos('doctor', 'deploy/web', '-n', ns, '--server', proxy.url);
      expect(ended.code, ended.stdout + ended.stderr).toBe(1);
      expect(ended.stdout).toMatch(/^problem +websocket /m);
    } finally {
      proxy.stop();
      await behind.stop();
    }
  });

  it('sees a proxy that allows no attach', async () => {
    const proxy = await kubectlProxy();
    try {
      const ended = await chaos('doctor', 'deploy/web', '-n', ns, '--server', proxy.url);
      expect(ended.code, ended.stdout + ended.stderr).toBe(1);
      expect(ended.stdout).toMatch(/^problem +websocket .*of attach/m);
    } finally {
      await proxy.stop();
    }
  });
});

describe('for a user with the rights that "rbac" prints', () => {
  const own = 'kubectl-chaos-e2e-doctor';
  const who = ['--as', 'on-call-doctor'];

  async function give(change: (roles: string) => string): Promise<void> {
    const printed = await chaos('rbac', '--user', 'on-call-doctor', '-n', ns);
    expect(printed.code, printed.stderr).toBe(0);
    // Under names of the test's own: a role of the cluster's is not to be replaced.
    await apply(change(printed.stdout.replaceAll('name: kubectl-chaos', `name: ${own}`)), ns);
  }

  async function takeBack(): Promise<void> {
    await kubectl('delete', 'clusterrolebinding', `${own}-cluster:user:on-call-doctor`, '--ignore-not-found');
    await kubectl('delete', 'clusterrole', `${own}-cluster`, '--ignore-not-found');
  }

  it('there is no problem, and a run is effective', async () => {
    await give((roles) => roles);
    try {
      const looked = await chaos('doctor', 'deploy/web', '-n', ns, ...who);
      expect(looked.code, looked.stdout + looked.stderr).toBe(0);
      expect(looked.stdout).toContain('warning  rights');
      const ended = await chaos('stress', 'deploy/web', '-n', ns, ...who, '--cpu', '1', '--duration', '4s');
      expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    } finally {
      await takeBack();
    }
  });

  it('one right that is missing is named, with the command; a run names the line', async () => {
    await give((roles) => roles.replace('verbs: [create, delete, patch]', 'verbs: [create, delete]'));
    try {
      const document = examined(await chaos('doctor', 'deploy/web', '-n', ns, ...who, '-o', 'json'));
      const [rights] = linesOf(document, 'rights');
      expect(rights).toMatchObject({
        state: 'problem',
        finding: `you are not allowed to patch configmaps in ${ns}`,
        remedy: expect.stringMatching(/^kubectl chaos rbac .*-n chaos-e2e-doctor/),
      });
      expect(document.exit_code).toBe(1);
      const refused = await chaos('stress', 'deploy/web', '-n', ns, ...who, '--cpu', '1', '--duration', '4s');
      expect(refused.code, refused.stdout + refused.stderr).toBe(1);
      expect(refused.stderr).toContain(
        `more in the line "rights" of: kubectl chaos doctor deployment/web -n ${ns} --kubeconfig`,
      );
    } finally {
      await takeBack();
    }
  });
});
