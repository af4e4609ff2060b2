import { expect, test } from 'vitest';
import { main } from '../../../src/main.ts';
import { FakeCluster } from '../../fakes/cluster.ts';
import { commandPorts } from '../../fakes/command-ports.ts';
import { faultsOf } from '../../support/documents.ts';

async function chaos(line: string, cluster = new FakeCluster()) {
  const at = commandPorts('a dry run needs no more', { connect: async () => cluster, randomSuffix: () => '7f3k2' });
  const code = await main(line.split(' '), at);
  return { code, stdout: at.stdout.text, stderr: at.stderr.text, cluster };
}

test('a dry run of a deletion creates and deletes nothing, and shows no agent', async () => {
  const { code, stdout, cluster } = await chaos('kill deploy/web --pod --grace-period 5 --dry-run -o json');
  const document = JSON.parse(stdout);
  expect(code).toBe(0);
  expect(faultsOf(document)).toEqual([]);
  expect(document).toMatchObject({
    ...{ objects: [], commands: [], lease: 'none (there is no agent)' },
    targets: [{ fault: 'pod deletion (grace period 5s)', keeper: 'replicaset/web', grace_seconds: 5 }],
  });
  expect(cluster.deletions).toEqual([]);
});

test('with --dry-run=server the API server is asked whether it would', async () => {
  const { code, stderr, cluster } = await chaos('kill deploy/web --pod --dry-run=server');
  expect(code).toBe(0);
  expect(stderr).toContain('note: the API server would do it; nothing was changed\n');
  expect(stderr).not.toContain('undo');
  expect(cluster.deletions).toEqual([{ pod: 'web-7d4b9', graceSeconds: undefined, isRehearsal: true }]);
});

test('a dry run of a signal shows the agent, and its shim outlives the target', async () => {
  const line = 'kill web --signal HUP --every 10s --duration 5m --expect-ready-within 20s --dry-run';
  const { stderr } = await chaos(line);
  expect((await chaos(`${line} -o json`)).stdout).toContain('--target-may-end');
  expect(stderr).toContain(
    'fault    SIGHUP to the first process every 10s for 5m, to be ready again within 20s, as chaos-7f3k2\n',
  );
});
