import { describe, expect } from 'vitest';
import { ChaosError } from '../../src/errors.ts';
import { noWatchEvents } from '../../src/ports.ts';
import { settle } from '../fakes/clock.ts';
import { ioRequest, lastWords, MiB, requestFor, resolved, shimError, target } from '../fakes/samples.ts';
import { experiment, type Scenario } from './scenario.ts';

const refused = new ChaosError('api', 'container not found');

describe('before the fault begins', () => {
  experiment('an unsuitable target is refused and nothing is created', async (s) => {
    s.cluster.failNext('findTargets', new ChaosError('not-found', 'no such pod'));
    await s.launch();
    expect(await s.error()).toMatchObject({ code: 'not-found', exitCode: 1 });
    expect(s.cluster.calls).toEqual(['findTargets']);
  });

  experiment('a launch that fails is told as it failed', async (s) => {
    s.cluster.failNext('launch', new ChaosError('admission', 'PodSecurity forbids it', { hint: 'label it' }));
    await s.launch();
    expect(await s.error()).toMatchObject({
      code: 'admission',
      exitCode: 1,
      hint: 'label it',
      state: 'nothing was changed',
    });
    expect(s.cluster.calls).not.toContain('attach');
    expect(s.cluster.removed?.reverted).toBe(false);
  });

  experiment(
    'a failed launch whose removal cannot be confirmed exits 4, with both reasons and the command',
    async (s) => {
      s.cluster.failNext('launch', new ChaosError('unreachable', 'the API server went away'));
      s.cluster.failNext('remove', new ChaosError('unreachable', 'still away'));
      await s.launch();
      const error = await s.error();
      expect(error).toMatchObject({ code: 'not-reverted', exitCode: 4 });
      expect(error.message).toMatch(
        /the API server went away.*pod\/chaos-7f3k2-0 and configmap\/chaos-7f3k2.*still away/,
      );
      expect(error.hint).toContain('kubectl -n shop delete pod,configmap -l kubectl-chaos.io/experiment=chaos-7f3k2');
    },
  );

  for (const reason of ['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull']) {
    experiment(`${reason} is told at once, without waiting`, async (s) => {
      await s.launch();
      await s.status({ state: 'waiting', reason, message: 'no such host' }, { phase: 'Pending' });
      const error = await s.error();
      expect(error).toMatchObject({ code: 'image', exitCode: 1 });
      expect(error.message).toContain(`${reason}: no such host`);
      expect(error.hint).toContain('--image');
      expect(s.clock.now()).toBe(1_000);
    });
  }

  for (const reason of ['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError']) {
    experiment(`${reason} is told at once`, async (s) => {
      await s.launch();
      await s.status({ state: 'waiting', reason, message: 'why' }, { phase: 'Pending' });
      expect(await s.error()).toMatchObject({ code: 'agent-failed' });
    });
  }

  const changes = ['added the node selector disk=ssd'];

  experiment('a node that refuses the pod for what a webhook changed: the change is the reason', async (s) => {
    s.cluster.agentFacts = { changes };
    await s.launch();
    const message = 'Predicate NodeAffinity failed: node(s) did not match';
    await s.status(undefined, { phase: 'Failed', reason: 'NodeAffinity', message });
    expect(await s.error()).toMatchObject({
      code: 'agent-failed',
      message: expect.stringContaining(
        `${message}; a webhook or policy changed the agent pod: added the node selector disk=ssd`,
      ),
      hint: expect.stringContaining('--agent-namespace'),
    });
  });

  experiment('an init container that a webhook added and that cannot start is named at once', async (s) => {
    s.cluster.agentFacts = { changes: ['added init container wait'] };
    await s.launch();
    const waits = { state: 'waiting', reason: 'ErrImagePull', message: 'no such image', blockedBy: 'wait' } as const;
    await s.status(waits, { phase: 'Pending' });
    expect((await s.error()).message).toMatch(
      /^the init container wait, which the agent pod did not ask for, fails on node \S+: ErrImagePull: no such image; a webhook or policy changed the agent pod: added init container wait$/,
    );
    expect(s.clock.now()).toBe(1_000);
  });

  experiment(
    'an init container that a webhook added and that does not end: said at once, and named at the end',
    async (s) => {
      s.cluster.agentFacts = { changes: ['added init container wait'] };
      await s.launch();
      const waits = { state: 'waiting', reason: 'PodInitializing', message: '', blockedBy: 'wait' } as const;
      await s.status(waits, { phase: 'Pending' });
      await s.status({ ...waits, message: 'it runs' }, { phase: 'Pending' });
      expect(s.reporter.of('progress').map(({ message }) => message)).toEqual([
        'waiting for the init container wait, which the agent pod did not ask for',
      ]);
      await s.clock.advance(300_000);
      expect((await s.error()).message).toBe(
        'the agent pod has not started on node node-3 within 5m: its init container wait has not ended; a webhook or policy changed the agent pod: added init container wait',
      );
    },
  );

  experiment('an init container that ends with a failure is named when the pod has failed', async (s) => {
    await s.launch();
    const waits = { state: 'waiting', reason: 'Error', message: 'exit code 1', blockedBy: 'wait' } as const;
    await s.status(waits, { phase: 'Pending' });
    expect(s.isOver).toBe(false);
    await s.status(waits, { phase: 'Failed' });
    expect((await s.error()).message).toContain('the init container wait');
  });

  experiment('what the shim has found in the target is not blamed on a change of its pod', async (s) => {
    s.cluster.agentFacts = { changes: ['set imagePullPolicy to Always'] };
    await s.launch();
    const message = lastWords(shimError({ code: 'path', message: 'there is no directory /data' }));
    await s.status({ state: 'terminated', exitCode: 125, reason: 'Error', message });
    expect(await s.error()).toMatchObject({
      message: 'there is no directory /data',
      hint: 'Name another directory in the container: --path.',
    });
  });

  experiment('an agent that ends early after its pod was changed: the change is told', async (s) => {
    s.cluster.agentFacts = { changes };
    await s.activate();
    await s.status(undefined, { phase: 'Failed', reason: 'DeadlineExceeded', message: 'too long' });
    const [outcome] = (await s.outcome()).targets;
    expect(outcome?.problems).toContain('a webhook or policy changed the agent pod: added the node selector disk=ssd');
  });

  experiment("the API server's warnings of the agent pod are told once each", async (s) => {
    s.cluster.agentFacts = { warnings: ['would violate PodSecurity "baseline:latest"'] };
    await s.launch();
    const warnings = s.reporter.of('warning').map(({ message }) => message);
    expect(warnings).toEqual(['would violate PodSecurity "baseline:latest"']);
    await s.interrupt();
  });

  experiment('a default node selector of the namespace: named, with the command that takes it off', async (s) => {
    s.cluster.agentFacts = { changes: ['added the node selector pool=web'] };
    await s.launch();
    await s.status(undefined, { phase: 'Failed', reason: 'NodeAffinity', message: 'Predicate NodeAffinity failed' });
    expect(await s.error()).toMatchObject({
      message:
        'node node-3 refused the agent pod: NodeAffinity: Predicate NodeAffinity failed; a webhook or policy changed the agent pod: added the node selector pool=web',
      hint: 'The agent pod asks for no labels of a node: namespace shop has a default node selector, as a rule. Use --agent-namespace with a namespace that has none, or take it off: kubectl annotate namespace shop --overwrite scheduler.alpha.kubernetes.io/node-selector= (OpenShift: openshift.io/node-selector=)',
    });
  });

  for (const [reason, flag] of [
    ['OutOfpods', '--priority-class system-node-critical'],
    ['OutOfcpu', '--agent-requests cpu=10m'],
    ['OutOfmemory', '--agent-requests memory=32Mi'],
    ['OutOfephemeral-storage', '--agent-requests ephemeral-storage=1Mi'],
    ['Evicted', '--priority-class system-node-critical'],
    ['NodeShutdown', 'another one'],
  ] as const) {
    experiment(`${reason}: what lets the agent in`, async (s) => {
      await s.launch();
      const message = "Node didn't have enough resource: pods, requested: 1, used: 110, capacity: 110";
      await s.status(undefined, { phase: 'Failed', reason, message });
      expect(await s.error()).toMatchObject({
        message: `node node-3 refused the agent pod: ${reason}: ${message}`,
        hint: expect.stringContaining(flag),
      });
    });
  }

  const noAddress =
    'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "0a1b": plugin type="host-local" failed (add): failed to allocate for range 0: no IP addresses available in range set: 10.244.1.1-10.244.1.254';

  experiment('no address left: ends at the third such event, with the reason', async (s) => {
    await s.launch();
    const event = { kind: 'warning', reason: 'FailedCreatePodSandBox', message: noAddress } as const;
    await s.agent(event);
    await s.agent(event);
    expect(s.isOver).toBe(false);
    await s.agent(event);
    expect(await s.error()).toMatchObject({
      code: 'agent-failed',
      exitCode: 1,
      message: `node node-3 has failed 3 times to create the agent pod's sandbox: ${noAddress}`,
      hint: expect.stringContaining('no address left'),
      state: 'nothing was changed',
    });
    expect(s.clock.now()).toBe(1_000);
  });

  for (const said of [
    'failed to request IPv4 addresses: Assigned 0 out of 1 requested IPv4 addresses; No more free affine blocks and strict affinity enabled',
    'unable to allocate IP via local cilium agent: [POST /ipam][502] postIpamFailure  range is full',
    'unable to allocate IP via local cilium agent: [POST /ipam][502] postIpamFailure No more IPs available',
    'add cmd: failed to assign an IP address to container',
    'IPAM Invoker Add failed with error: Failed to allocate address: No available addresses',
    'error at storage engine: Could not allocate IP in range: ip: 10.1.0.1 / - 10.1.0.6',
    'RPC failed; request ip return 500 NoAvailableAddress',
    'error alloc ip rpc error: code = Unknown desc = InvalidVSwitchId.IpNotEnough',
  ]) {
    experiment(`no address left, in the words of another network plugin: ${said}`, async (s) => {
      await s.launch();
      await s.agent({ kind: 'warning', reason: 'FailedCreatePodSandBox', message: said, count: 3 });
      expect((await s.error()).hint).toContain('no address left');
    });
  }

  experiment('a sandbox that failed often while nobody watched: ends at once', async (s) => {
    await s.launch();
    await s.agent({ kind: 'warning', reason: 'FailedCreatePodSandBox', message: 'the runtime is down', count: 7 });
    expect(await s.error()).toMatchObject({
      message: expect.stringContaining('has failed 7 times'),
      hint: expect.stringContaining('network plugin'),
    });
  });

  experiment('a sandbox that fails twice and is made then: goes on', async (s) => {
    await s.launch();
    const event = { kind: 'warning', reason: 'FailedCreatePodSandBox', message: noAddress } as const;
    await s.agent(event);
    await s.agent(event);
    await s.attach();
    await s.pass(1_000);
    expect(s.reporter.of('active')).toHaveLength(1);
    await s.interrupt();
  });

  const noexec = [
    'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: "/opt/kubectl-chaos/nsexec": permission denied: unknown',
    'container create failed: crun: open executable: Permission denied: OCI permission denied',
  ];
  const named = (said: string) => ({
    message: `node node-3 does not let the agent's program be executed: ${said}`,
    hint: expect.stringContaining('/var/lib/kubelet, or what that is on, is mounted noexec'),
  });

  for (const message of noexec) {
    experiment(`/var/lib/kubelet mounted noexec, by containerd: ${message.slice(-50)}`, async (s) => {
      await s.launch();
      await s.status({ state: 'terminated', exitCode: 128, reason: 'StartError', message }, { phase: 'Failed' });
      expect(await s.error()).toMatchObject(named(`StartError: ${message}`));
    });

    experiment(`/var/lib/kubelet mounted noexec, by CRI-O: ${message.slice(-50)}`, async (s) => {
      await s.launch();
      await s.status({ state: 'waiting', reason: 'CreateContainerError', message }, { phase: 'Pending' });
      expect(await s.error()).toMatchObject(named(`CreateContainerError: ${message}`));
    });
  }

  experiment('a kubelet that refuses the pod is quoted', async (s) => {
    await s.launch();
    await s.status(undefined, { phase: 'Failed', reason: 'OutOfpods', message: 'Node is full' });
    expect((await s.error()).message).toContain('OutOfpods: Node is full');
  });

  experiment('an API server that is lost is said at once, and given up after the lease', async (s) => {
    await s.launch();
    await s.agent({ kind: 'contact', problem: 'connection refused' });
    await s.agent({ kind: 'contact', problem: 'connection refused' });
    expect(s.reporter.of('progress')).toEqual([
      { kind: 'progress', target: target(), message: 'connection refused: trying again' },
    ]);
    await s.pass(15_100);
    expect(await s.error()).toMatchObject({ code: 'unreachable', message: expect.stringContaining('for 15s') });
  });

  experiment('an API server that is lost and comes back is waited for no longer', async (s) => {
    await s.launch();
    await s.agent({ kind: 'contact', problem: 'connection refused' });
    await s.pass(10_000);
    await s.agent({ kind: 'contact', problem: undefined });
    await s.pass(10_000);
    expect(s.isOver).toBe(false);
    await s.interrupt();
  });

  experiment('the agent pod deleted by somebody is said', async (s) => {
    await s.launch();
    await s.agent({ kind: 'deleted' });
    expect((await s.error()).message).toContain('deleted by somebody else before the fault began');
  });

  experiment('the agent pod that is being deleted is not waited for', async (s) => {
    await s.launch();
    await s.agent({ kind: 'deleting' });
    expect(await s.error()).toMatchObject({
      code: 'agent-failed',
      exitCode: 1,
      message: expect.stringContaining('deleted by somebody else before the fault began'),
    });
  });

  /** A shim that listens, and answers nothing. */
  const listen = async (s: Scenario): Promise<void> => {
    for (const word of ['beat', 'stop'] as const) s.answers.delete(word);
    await s.launch();
    await s.attach();
    s.cluster.attachment.say(resolved());
    await settle();
  };

  for (const [how, kinds] of [
    ['deleted', ['deleted']],
    ['said to be deleted, and gone at once', ['deleting', 'deleted']],
  ] as const) {
    experiment(
      `the agent pod ${how} by force while its shim listens: that is told to end, and is waited for`,
      async (s) => {
        await listen(s);
        for (const kind of kinds) await s.agent({ kind });
        expect(s.sent.at(-1)).toBe('stop');
        await s.pass(2_000);
        expect(s.isOver).toBe(false);
        s.cluster.attachment.drop('the container ended');
        expect(await s.error()).toMatchObject({ code: 'agent-failed', exitCode: 1, state: 'nothing was changed' });
      },
    );
  }

  experiment(
    'the agent pod deleted by force, and a shim that does not end: in time it is left to its kubelet',
    async (s) => {
      await listen(s);
      await s.agent({ kind: 'deleted' });
      await s.pass(10_000);
      expect(await s.error()).toMatchObject({ code: 'agent-failed', exitCode: 1 });
    },
  );

  experiment('a shim that ends at once is quoted from its termination message', async (s) => {
    await s.launch();
    await s.status({
      state: 'terminated',
      exitCode: 125,
      reason: 'Error',
      message: lastWords(shimError({ code: 'cgroup-unmounted', message: 'cgroup hierarchy name=x has no mount' })),
    });
    expect(await s.error()).toMatchObject({
      code: 'shim',
      message: 'cgroup hierarchy name=x has no mount (cgroup-unmounted)',
      state: 'nothing was changed',
    });
  });

  experiment('an image that does not run is named as such', async (s) => {
    await s.launch();
    await s.status({ state: 'terminated', exitCode: 1, reason: 'Error', message: 'exec format error' });
    const error = await s.error();
    expect(error.message).toContain('exit code 1: Error: exec format error');
    expect(error.hint).toContain('amd64');
  });

  const onTarget = ioRequest({ action: { kind: 'fill', amount: { percent: 50 } } as never }, { image: undefined });
  const image = 'registry.shop/web:7';

  experiment(
    "the target's own image, pulled anew: what the cluster does, and what helps",
    async (s) => {
      s.cluster.agentFacts = { changes: ['set imagePullPolicy to Always'] };
      await s.launch();
      expect(s.cluster.launched).toMatchObject({ image });
      const message = 'failed to pull and unpack image: 401 Unauthorized';
      await s.status({ state: 'waiting', reason: 'ErrImagePull', message }, { phase: 'Pending' });
      const error = await s.error();
      expect(error).toMatchObject({ code: 'image', exitCode: 1, state: 'nothing was changed' });
      expect(error.message).toBe(
        `node node-3 has the target's own image, ${image}, but does not get it for the agent pod: ErrImagePull: ${message}; a webhook or policy changed the agent pod: set imagePullPolicy to Always`,
      );
      expect(error.hint).toMatch(
        /^The cluster pulls images for each pod anew, or checks their pull secrets: name the secret in namespace shop with --image-pull-secret\. Or name an image .* --image \(any will do\)\./,
      );
    },
    onTarget,
  );

  experiment(
    "the target's own image, which no container can be made from: another is asked for",
    async (s) => {
      await s.launch();
      const message = '"/proc" cannot be mounted because it is not of type proc';
      await s.status({ state: 'terminated', exitCode: 128, reason: 'StartError', message });
      expect(await s.error()).toMatchObject({
        message: `the agent container ended before the fault began, with exit code 128: StartError: ${message}`,
        hint: "It ran on the target's own image. Name an image that this node can pull with --image (any will do).",
      });
    },
    onTarget,
  );

  experiment('an attach that is refused for a moment is tried again', async (s) => {
    s.cluster.failNext('attach', refused, refused);
    await s.launch();
    await s.attach();
    await s.pass(1_000);
    expect(s.cluster.count('attach')).toBe(3);
    expect(s.reporter.of('active')).toHaveLength(1);
    s.cores = 1;
    await s.pass(5_000);
    await s.finish();
    expect((await s.outcome()).exitCode).toBe(0);
  });

  experiment('an attach that trying again would not change is given up at once', async (s) => {
    const message = "the kubelet of the agent's node has no serving certificate (remote error: tls: internal error)";
    const hint = 'approve its certificate request: kubectl get csr';
    s.cluster.failNext('attach', new ChaosError('unreachable', message, { hint, isPermanent: true }));
    await s.launch();
    await s.attach();
    expect(await s.error()).toMatchObject({ code: 'unreachable', message, hint, state: 'nothing was changed' });
    expect(s.cluster.count('attach')).toBe(1);
    expect(s.reporter.of('progress')).toEqual([]);
  });

  experiment('an attach that is refused for good gives up within 10 s', async (s) => {
    s.cluster.failNext('attach', ...Array.from({ length: 50 }, () => refused));
    await s.launch();
    await s.attach();
    await s.pass(10_000);
    expect(await s.error()).toBe(refused);
    expect(s.cluster.count('attach')).toBeLessThan(15);
  });

  experiment('a stream that closes at once, again and again, gives up too', async (s) => {
    s.answers.clear();
    s.cluster.onAttach = (attachment) => attachment.drop('closed by the proxy');
    await s.launch();
    await s.attach();
    await s.pass(10_000);
    expect((await s.error()).message).toContain('cannot be attached to: closed by the proxy');
    expect(s.cluster.count('attach')).toBeLessThan(15);
  });

  experiment('a stream that ended unheard is said, and made anew', async (s) => {
    await s.launch();
    s.answers.delete('beat');
    await s.attach();
    s.answers.add('beat');
    s.cluster.attachment.drop('nothing came by v5.channel.k8s.io');
    await s.pass(400);
    expect(s.reporter.of('progress')).toMatchObject([
      { message: 'the stream to the agent ended (nothing came by v5.channel.k8s.io): attaching again' },
    ]);
    s.cores = 0.99;
    await s.pass(10_000);
    await s.finish();
    expect((await s.outcome()).exitCode).toBe(0);
    expect(s.cluster.count('attach')).toBe(2);
  });

  experiment('a stream that no other would better is given up at once, and the agent removed', async (s) => {
    const message = 'the attach opens, but nothing comes through it, container runtime cri-o://1.37.0';
    s.answers.delete('beat');
    await s.launch();
    await s.attach();
    const error = new ChaosError('unreachable', message, { hint: 'reach it', isPermanent: true });
    s.cluster.attachment.drop('nothing came by v4.channel.k8s.io', false, error);
    expect(await s.error()).toMatchObject({ message, hint: 'reach it', exitCode: 1, state: 'nothing was changed' });
    expect(s.cluster.count('attach')).toBe(1);
  });

  experiment('an attach that hangs is bounded by the start-up time', async (s) => {
    const release = s.cluster.hold('attach');
    await s.launch();
    await s.attach();
    await s.clock.advance(299_999);
    expect(s.isOver).toBe(false);
    await s.clock.advance(1);
    expect(await s.error()).toMatchObject({ code: 'agent-failed' });
    // It comes through after all: nobody wants it any more, and it must not stay open.
    release();
    await settle();
    expect(s.cluster.attachments).toHaveLength(1);
  });

  experiment('a pod that nobody takes up is mentioned after 5 s and given up after 300 s', async (s) => {
    await s.launch();
    await s.clock.advance(5_000);
    expect(s.reporter.of('progress')[0]?.message).toContain('is its kubelet reachable?');
    await s.clock.advance(295_000);
    expect((await s.error()).message).toContain('has not started on node node-3 within 5m');
  });

  experiment('a pod that the kubelet cannot start is given up with what it said last', async (s) => {
    await s.launch();
    const message = 'MountVolume.SetUp failed for volume "shim": timed out waiting for the condition';
    await s.agent({ kind: 'progress', reason: 'Pulling', message: 'Pulling image "tools:1"' });
    await s.agent({ kind: 'warning', reason: 'FailedMount', message });
    await s.agent({ kind: 'warning', reason: noWatchEvents, message: 'watch events do not arrive' });
    await s.clock.advance(300_000);
    expect((await s.error()).message).toBe(
      `the agent pod has not started on node node-3 within 5m: FailedMount: ${message}`,
    );
  });

  experiment('a shim that never answers is given up after 10 s', async (s) => {
    s.answers.clear();
    await s.launch();
    await s.attach();
    await s.pass(10_000);
    expect(await s.error()).toMatchObject({ code: 'shim', exitCode: 1 });
  });

  experiment(
    'a shim that falls silent during the baseline is given up soon, not called a pod that has not started',
    async (s) => {
      await s.launch();
      await s.attach();
      s.answers.clear();
      await s.pass(15_000);
      expect((await s.error()).message).toContain('has not answered');
    },
  );

  experiment(
    'a shim that does not answer `start` is stopped, and what may have begun is not called nothing',
    async (s) => {
      s.answers.delete('start');
      s.answers.delete('stop');
      await s.launch();
      await s.attach();
      await s.pass(10_200);
      expect(s.sent.at(-1)).toBe('stop');
      await s.pass(12_000);
      const error = await s.error();
      expect(error).toMatchObject({ code: 'shim', exitCode: 1 });
      expect(error.state).not.toBe('nothing was changed');
      expect(s.cluster.removed?.reverted).toBe(false);
    },
  );

  experiment("the shim's own refusal is the error", async (s) => {
    s.answers.delete('start');
    await s.launch();
    await s.attach();
    await s.pass(200);
    s.cluster.attachment.say(shimError({ code: 'exec', message: 'no stress-ng', state: 'reverted' }));
    await settle();
    expect(await s.error()).toMatchObject({ message: 'no stress-ng', state: 'reverted', exitCode: 1 });
  });

  experiment('a shim that cannot say whether it reverted is believed only with the removal', async (s) => {
    s.answers.delete('start');
    s.cluster.removal = { left: ['pod/chaos-7f3k2-0'], why: 'the kubelet does not answer' };
    await s.launch();
    await s.attach();
    await s.pass(200);
    s.cluster.attachment.say(shimError({ code: 'readback', message: 'lost it', state: 'unknown: a process is stuck' }));
    await s.pass(1_000);
    expect(s.isOver).toBe(false);
    await s.pass(9_000);
    const error = await s.error();
    expect(error).toMatchObject({ code: 'not-reverted', exitCode: 4 });
    expect(error.message).toMatch(/lost it.*the kubelet does not answer/);
    expect(s.cluster.removed?.reverted).toBe(false);
  });

  experiment(
    'memory that would kill the whole container is refused before start',
    async (s) => {
      s.counters = { memoryOomGroup: 1 };
      await s.launch();
      await s.attach();
      await s.pass(500);
      expect(await s.error()).toMatchObject({ code: 'target-unsuitable', exitCode: 1, state: 'nothing was changed' });
      expect(s.sent).not.toContain('start');
    },
    requestFor({ memory: { bytes: 120 * MiB } }),
  );

  experiment(
    'memory above the limit is warned of before start',
    async (s) => {
      s.answers.delete('start');
      await s.launch();
      await s.attach();
      expect(s.reporter.of('warning')[0]?.message).toContain('the memory limit will be exceeded');
      expect(s.sent).not.toContain('start');
      await s.interrupt();
      expect((await s.outcome()).exitCode).toBe(130);
    },
    requestFor({ memory: { bytes: 120 * MiB } }),
  );

  experiment('a watch broken by lost rights ends it', async (s) => {
    const forbidden = new ChaosError('forbidden', 'you may not watch pods');
    await s.launch();
    s.cluster.agentUpdates.fail(forbidden);
    await settle();
    expect(await s.error()).toBe(forbidden);
  });

  experiment('the target deleted meanwhile is said, and nothing is started', async (s) => {
    s.answers.delete('beat');
    await s.launch();
    await s.attach();
    s.cluster.attachment.say(resolved());
    s.cluster.targetUpdates.push({ kind: 'deleted', message: 'gone' });
    await settle();
    const outcome = await s.outcome();
    expect(outcome).toMatchObject({ exitCode: 1, reverted: true });
    expect(outcome.problems[0]).toContain('was deleted during the experiment');
    expect(s.sent).not.toContain('start');
  });

  experiment('a defect of ours is thrown as one, after the removal', async (s) => {
    s.cluster.failNext('launch', new TypeError('defect'));
    await s.launch();
    await expect(s.outcome()).rejects.toThrow(TypeError);
  });
});
