import { describe, expect, test } from 'vitest';
import { ChaosError } from '../../src/errors.ts';
import { podUidOf } from '../../src/experiment/sweep.ts';
import { main } from '../../src/main.ts';
import type { Experiment } from '../../src/ports.ts';
import { commandPorts } from '../fakes/command-ports.ts';
import { BufferOutput } from '../fakes/output.ts';
import { FakeSignals } from '../fakes/signals.ts';
import { SweptCluster } from '../fakes/swept-cluster.ts';

const uid = '0a1b2c3d-0000-4000-8000-00000000000a';
const qdisc = { netns: 17, pid: 4711, cgroup: `/kubepods/pod${uid}/abc`, what: 'qdisc', name: 'eth0' } as const;
const ofWeb = { ...qdisc, handle: 'c4a0:' };
const ofDb = { pid: 4712, cgroup: `/kubepods/pod${uid}/def` } as const;
const directory = { ...ofDb, what: 'directory', name: '/data/.kubectl-chaos-7f3k2' } as const;
const setting = { ...ofDb, what: 'setting', name: 'io.max', device: '8:16' } as const;
const table = { ...qdisc, netns: 18, cgroup: '', what: 'table', name: 'kubectl_chaos_7f3k2' } as const;

function world(answer?: string | Promise<string>) {
  const cluster = new SweptCluster();
  cluster.pods.set(uid, 'shop/web-0');
  const terminal = answer !== undefined;
  const stdout = new BufferOutput(terminal);
  const stderr = new BufferOutput(terminal);
  const signals = new FakeSignals();
  const questions: string[] = [];
  let agents = 0;
  const ports = commandPorts('a sweep does not need this', {
    ...{ stdout, stderr, signals },
    randomSuffix: () => `aaaa${String.fromCharCode(97 + agents++)}`,
    connect: async () => cluster,
    ...(terminal
      ? {
          ask: async (question: string) => {
            questions.push(question);
            return answer;
          },
        }
      : {}),
  });
  const leftover: Experiment = {
    ...{ id: 'chaos-zzzzz', namespace: 'shop', state: 'leftover', objects: ['configmap/chaos-zzzzz'], graceMs: 0 },
    createdAt: new Date(0),
  };
  const run = (line: string) => main(line.split(' '), ports);
  return { cluster, stdout, stderr, signals, questions, leftover, run };
}

const rows = (text: string) => text.split('\n').map((line) => line.split(/ {2,}/));

describe('looking', () => {
  test('a clean node: said, exit 0, one agent that is removed again', async () => {
    const { cluster, stdout, run } = world();
    cluster.put('node-1');
    expect(await run('sweep node-1')).toBe(0);
    expect(stdout.text).toBe('7 networks on 1 of 1 nodes inspected: nothing found.\n');
    expect(cluster.sweeps).toMatchObject([{ node: 'node-1', args: ['sweep'], id: 'chaos-aaaaa' }]);
    expect(cluster.launched).toMatchObject({ namespace: 'shop', image: 'nginx:1.29', architecture: 'amd64' });
    expect(cluster.removed).toMatchObject({ id: 'chaos-aaaaa', namespace: 'shop', reverted: true });
    expect(cluster.count('readLog')).toBe(0);
    expect(cluster.isClosed).toBe(true);
  });

  test('its agents run on an image that the node has, in the namespace that is named for them', async () => {
    const { cluster, run } = world();
    cluster.put('node-1');
    expect(await run('sweep node-1 --agent-namespace tools --agent-label owner=team-a')).toBe(0);
    expect(cluster.launched).toMatchObject({
      ...{ namespace: 'tools', image: 'nginx:1.29', shape: { labels: { owner: 'team-a' } } },
    });
    expect(cluster.listed).toBe('shop');
    expect(await run('sweep node-1 --image mine:2')).toBe(0);
    expect(cluster.launched).toMatchObject({ namespace: 'shop', image: 'mine:2' });
  });

  test('off a terminal, without --yes: listed with the pod, nothing removed, exit 3', async () => {
    const { cluster, stdout, leftover, run } = world();
    cluster.put('node-1', { residue: [ofWeb, table] });
    cluster.put('node-2');
    cluster.experiments = { found: [leftover, { ...leftover, id: 'chaos-yyyyy', state: 'running' }], unseen: [] };
    expect(await run('sweep --all-nodes')).toBe(3);
    expect(rows(stdout.text)).toEqual([
      ['NODE', 'POD', 'WHAT', 'NAME', 'STATE'],
      ['node-1', 'shop/web-0', 'qdisc', 'eth0 c4a0:', 'left'],
      ['node-1', '-', 'table', 'kubectl_chaos_7f3k2', 'left'],
      ['ID', 'NAMESPACE', 'OBJECTS', 'STATE'],
      ['chaos-zzzzz', 'shop', 'configmap/chaos-zzzzz', 'leftover'],
      ['14 networks on 2 of 2 nodes inspected: leftovers are listed above; --yes removes them.'],
      [''],
    ]);
    expect(cluster.sweeps.map(({ args }) => args)).toEqual([['sweep'], ['sweep']]);
  });

  test('what is past its deadline and reverted is removed without a question, and no leftover any more', async () => {
    const { cluster, stdout, leftover, run } = world();
    cluster.put('node-1');
    const over = { ...leftover, deadline: new Date(0), remains: [{ kind: 'configmap', name: leftover.id, uid: 'u' }] };
    cluster.experiments = { found: [over as Experiment], unseen: [] };
    expect(await run('sweep node-1')).toBe(0);
    expect(rows(stdout.text)).toContainEqual(['chaos-zzzzz', 'shop', 'configmap/chaos-zzzzz', 'removed']);
    expect(cluster.count('discard')).toBe(1);
    expect(await run('sweep node-1 --no-cleanup')).toBe(3);
    expect(cluster.count('discard')).toBe(1);
  });

  test('what io faults have left: by path, or by file and device; removed when asked to', async () => {
    const { cluster, stdout, run } = world();
    cluster.put('node-1', { residue: [directory, setting] });
    expect(await run('sweep node-1')).toBe(3);
    expect(rows(stdout.text).slice(1, 3)).toEqual([
      ['node-1', 'shop/web-0', 'directory', '/data/.kubectl-chaos-7f3k2', 'left'],
      ['node-1', 'shop/web-0', 'setting', 'io.max 8:16', 'left'],
    ]);
    expect(await run('sweep node-1 --yes')).toBe(0);
    expect(stdout.text).toMatch(/io\.max 8:16 +removed\n/);
  });

  test('what is in use is listed, and is no residue', async () => {
    const { cluster, stdout, run } = world();
    cluster.put('node-1', { residue: [{ ...ofWeb, inUse: true }] });
    expect(await run('sweep node-1 --yes')).toBe(0);
    expect(stdout.text).toContain('in use\n7 networks on 1 of 1 nodes inspected: nothing left that is not in use.\n');
    expect(cluster.sweeps).toHaveLength(1);
  });

  test('an unknown node is refused before anything is created', async () => {
    const { cluster, stderr, run } = world();
    cluster.put('node-1');
    expect(await run('sweep node-1 node-9')).toBe(1);
    expect(stderr.text).toContain('error: there is no node node-9\n');
    expect(cluster.sweeps).toEqual([]);
  });

  test('at most four nodes at a time', async () => {
    const { cluster, run } = world();
    for (let i = 0; i < 11; i++) cluster.put(`node-${i}`);
    expect(await run('sweep --all-nodes')).toBe(0);
    expect(cluster.sweeps).toHaveLength(11);
    expect(cluster.most).toBe(4);
  });
});

describe('removing', () => {
  test('--yes: a second agent where something is, and the cluster objects', async () => {
    const { cluster, stdout, leftover, run } = world();
    cluster.put('node-1', { residue: [ofWeb] });
    cluster.put('node-2');
    cluster.experiments = { found: [leftover], unseen: [] };
    expect(await run('sweep node-1 node/node-2 --yes')).toBe(0);
    expect(cluster.sweeps.map(({ node, args }) => [node, ...args])).toEqual([
      ['node-1', 'sweep'],
      ['node-2', 'sweep'],
      ['node-1', 'sweep', '--remove'],
    ]);
    expect(stdout.text).toMatch(/c4a0: +removed\n/);
    expect(stdout.text).toMatch(/configmap\/chaos-zzzzz +removed\n/);
    expect(cluster.count('remove')).toBe(4);
  });

  test('on a terminal: listed and asked; only a yes removes', async () => {
    for (const [answer, code] of [
      ['y', 0],
      ['Yes ', 0],
      ['', 3],
      ['n', 3],
    ] as const) {
      const { cluster, questions, run } = world(answer);
      cluster.put('node-1', { residue: [ofWeb, table] });
      expect(await run('sweep node-1')).toBe(code);
      expect(questions).toEqual(['Remove these 2? [y/N] ']);
      expect(cluster.sweeps).toHaveLength(code === 0 ? 2 : 1);
    }
  });

  test('what stays after the removal: exit 4', async () => {
    const { cluster, stdout, run } = world();
    cluster.put('node-1', { residue: [ofWeb, table], stubborn: ['eth0'] });
    expect(await run('sweep node-1 -y')).toBe(4);
    expect(stdout.text).toMatch(/c4a0: +left\n/);
    expect(stdout.text).toMatch(/7f3k2 +removed\n/);
    expect(stdout.text).toContain('not confirmed clean');
  });

  test('a lost process is named, and never asked about', async () => {
    const { cluster, questions, run } = world('y');
    cluster.put('node-1', { residue: [{ pid: 5, cgroup: '/x', what: 'process', name: 'nsexec' }] });
    expect(await run('sweep node-1')).toBe(3);
    expect(questions).toEqual([]);
  });

  test('-o json: an error is a document too', async () => {
    const { cluster, stdout, stderr, run } = world();
    cluster.put('node-1');
    expect(await run('sweep node-9 -o json')).toBe(1);
    expect(JSON.parse(stdout.text)).toMatchObject({ kind: 'error', code: 'not-found', exit_code: 1 });
    expect(stderr.text).toBe('');
  });

  test('-o json: one document, no question', async () => {
    const { cluster, stdout, questions, run } = world('y');
    cluster.put('node-1', { residue: [ofWeb] });
    expect(await run('sweep node-1 -o json')).toBe(3);
    expect(questions).toEqual([]);
    expect(JSON.parse(stdout.text)).toMatchObject({
      kind: 'swept',
      exit_code: 3,
      nodes: [{ node: 'node-1', swept: { left: 1 }, residue: [{ what: 'qdisc', pod: 'shop/web-0', in_use: false }] }],
    });
  });
});

describe('what goes wrong on one node', () => {
  test('that shows no running container: an image is asked for, and one that is named is taken', async () => {
    const { cluster, stdout, run } = world();
    cluster.put('node-1');
    cluster.images = [];
    expect(await run('sweep node-1')).toBe(4);
    expect(stdout.text).toContain(
      'node node-1: not fully swept: no image for the agent: no running container is to be seen on node node-1. Name an image that this node can pull with --image (any will do), or ask for the right to list pods.\n',
    );
    expect(cluster.count('launch')).toBe(0);
    expect(await run('sweep node-1 --image mine:2')).toBe(0);
    expect(cluster.launched).toMatchObject({ image: 'mine:2' });
  });

  test('does not stop the others, and is exit 4', async () => {
    const { cluster, stdout, run } = world();
    cluster.nodes.push({ name: 'node-0', problem: 'node node-0 is not ready' });
    const waiting = { state: 'waiting' as const, reason: 'ErrImagePull', message: 'no such image' };
    const pulling = { kind: 'status' as const, phase: 'Pending', reason: '', message: '' };
    cluster.put('node-1', { update: { ...pulling, containers: { sweep: waiting } } });
    cluster.put('node-2', { unseen: 2 });
    cluster.put('node-3');
    expect(await run('sweep --all-nodes --image tools:1')).toBe(4);
    expect(stdout.text).toContain('node node-0: not fully swept: node node-0 is not ready\n');
    expect(stdout.text).toContain(
      'node node-1: not fully swept: node node-1 cannot get the image tools:1: ErrImagePull: no such image. Name an image that this node can pull with --image (any will do), and its secret with --image-pull-secret.\n',
    );
    expect(stdout.text).toContain('node node-2: 2 networks or processes could not be inspected\n');
    expect(stdout.text).toContain('14 networks on 2 of 4 nodes inspected: not confirmed clean.\n');
    expect(cluster.count('remove')).toBe(3);
  });

  test('no address left for its agent: the third failure ends the wait', async () => {
    const { cluster, stdout, run } = world();
    const message = 'failed to setup network for sandbox "0a1b": no IP addresses available in range set';
    cluster.put('node-1', { update: { kind: 'warning', reason: 'FailedCreatePodSandBox', message, count: 3 } });
    expect(await run('sweep node-1')).toBe(4);
    expect(stdout.text).toContain(
      `node-1 has failed 3 times to create the agent pod's sandbox: ${message}. The network`,
    );
    expect(cluster.count('remove')).toBe(1);
  });

  test('the shim refuses: its own words', async () => {
    const { cluster, stdout, run } = world();
    const message = '{"event":"error","at_ms":1,"code":"cgroup-view","message":"no view","state":"unchanged"}';
    const status = { state: 'terminated' as const, exitCode: 125, reason: 'Error', message };
    const failed = { kind: 'status' as const, phase: 'Failed', reason: '', message: '', containers: { sweep: status } };
    cluster.put('node-1', { update: failed });
    expect(await run('sweep node-1')).toBe(4);
    expect(stdout.text).toContain('node node-1: not fully swept: no view (cgroup-view)\n');
  });

  test('a log that may not be read, an agent that stays: said with what is known', async () => {
    const { cluster, stdout, run } = world();
    cluster.put('node-1', { residue: [ofWeb] });
    cluster.failNext('readLog', new ChaosError('forbidden', 'you may not get pods/log'));
    cluster.removals.set('chaos-aaaaa', { left: ['pod/chaos-aaaaa-0'], why: 'the kubelet is silent' });
    expect(await run('sweep node-1')).toBe(4);
    expect(stdout.text).toContain('1 found, but the log that lists them cannot be read: you may not get pods/log');
    expect(stdout.text).toContain(
      'pod/chaos-aaaaa-0 could not be removed (the kubelet is silent): kubectl -n shop delete pod,configmap -l kubectl-chaos.io/experiment=chaos-aaaaa',
    );
  });

  test('a signal: the agents are removed, nothing more is launched, 130', async () => {
    const { cluster, signals, run } = world();
    for (let i = 0; i < 9; i++) cluster.put(`node-${i}`);
    const release = cluster.hold('launch');
    const done = run('sweep --all-nodes --yes');
    await expect.poll(() => cluster.sweeps.length).toBe(4);
    signals.send('SIGINT');
    release();
    expect(await done).toBe(130);
    expect(cluster.sweeps).toHaveLength(4);
    expect(cluster.count('remove')).toBe(4);
  });
});

describe('a signal', () => {
  test('while an agent cannot be removed: said with the command that does, exit 4', async () => {
    const { cluster, stderr, signals, run } = world();
    cluster.put('node-1');
    cluster.removal = { left: ['pod/chaos-aaaaa-0'], why: 'no route to host' };
    const release = cluster.hold('launch');
    const done = run('sweep node-1');
    await expect.poll(() => cluster.sweeps.length).toBe(1);
    signals.send('SIGINT');
    release();
    expect(await done).toBe(4);
    expect(stderr.text).toContain('pod/chaos-aaaaa-0 could not be removed (no route to host): kubectl -n shop delete');
  });

  test('at the question: nothing is removed', async () => {
    const { cluster, signals, questions, leftover, run } = world(new Promise(() => undefined));
    cluster.put('node-1', { residue: [ofWeb] });
    cluster.experiments = { found: [leftover], unseen: [] };
    const done = run('sweep node-1');
    await expect.poll(() => questions).toHaveLength(1);
    signals.send('SIGTERM');
    expect(await done).toBe(143);
    expect(cluster.sweeps).toHaveLength(1);
    expect(cluster.removed).toMatchObject({ id: 'chaos-aaaaa' });
  });

  test('a second one: at once, and how to find what is left', async () => {
    const { cluster, stderr, signals, run } = world();
    cluster.put('node-1');
    cluster.hold('launch');
    const done = run('sweep node-1');
    await expect.poll(() => cluster.sweeps.length).toBe(1);
    signals.send('SIGINT');
    signals.send('SIGINT');
    expect(await done).toBe(4);
    expect(stderr.text).toContain('kubectl chaos ls -A');
  });
});

test('an agent that could not be launched, nor taken back: what is left of it, and how to remove it', async () => {
  const { cluster, stdout, run } = world();
  cluster.put('node-1');
  const state = 'the target was not touched, but pod/chaos-aaaaa-0 may be left (no answer)';
  cluster.failNext(
    'launch',
    new ChaosError('unreachable', 'no answer', { state, hint: 'Remove it by hand: kubectl …' }),
  );
  expect(await run('sweep node-1')).toBe(4);
  expect(stdout.text).toContain(`${state}: Remove it by hand: kubectl …`);
});

test('the uid of a pod out of its cgroup, by either driver', () => {
  expect(podUidOf(`/kubepods/burstable/pod${uid}/abc`)).toBe(uid);
  expect(podUidOf(`/kubepods.slice/kubepods-pod${uid.replaceAll('-', '_')}.slice/cri-containerd-a.scope`)).toBe(uid);
  expect(podUidOf('/system.slice/podman.service')).toBeUndefined();
});
