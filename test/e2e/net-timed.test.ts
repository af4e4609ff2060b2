import { describe, expect, it } from 'vitest';
import { apply, kubectl, until } from './support/cluster.ts';
import { ask, killTarget, startFault, stop, talkSuite } from './support/net.ts';
import { deleteAgentsByForce, killShims, untilFaultGone } from './support/node.ts';
import { chaos } from './support/plugin.ts';

/** What needs no sch_netem, and where seconds count: rates, the kubelet's probes, ends. */
const ns = 'chaos-e2e-net-timed';
const talk = talkSuite(ns);

describe('net without netem, in time', () => {
  it('a rate, by a token bucket, to one port, both families, and proves it', async () => {
    const { server } = talk();
    const plugin = await startFault(
      talk(),
      ...['--rate', '4mbit', '--burst', '16Ki', '--to', 'pod/net-server', '--port', '5000', '--duration', '6s'],
    );
    const four = await ask(talk(), {
      hit: `pour ${server.four} 5000 500000`,
      otherPort: `pour ${server.four} 5001 500000`,
      otherWay: `draw ${server.six} 5001 500000`,
    });
    const six = await ask(talk(), { hit: `pour ${server.six} 5000 500000` });
    const ended = await plugin.ended;
    for (const { hit } of [four, six]) {
      // 1,000 ms less the burst and a segment as large as the kernel makes them (64 KiB), which the bucket lets through on credit.
      expect(hit.transferMs, plugin.said).toBeGreaterThan(800);
      expect(hit.transferMs, plugin.said).toBeLessThan(2_500);
    }
    for (const spared of [four.otherPort, four.otherWay]) expect(spared.transferMs, plugin.said).toBeLessThan(700);
    expect(ended.code, plugin.said).toBe(0);
    expect(ended.stdout).toContain('nothing left');
  });

  it('partition from everybody spares the kubelet’s probes, and says so', async () => {
    const { client, server } = talk();
    const plugin = await startFault(talk(), '--partition');
    const [inward, outward] = await Promise.all([
      ask(talk(), { four: `ask ${client.four} 5000 1 0 connect` }, { pod: 'net-server', container: 'app' }),
      ask(talk(), { six: `ask ${server.six} 5000 1 0 connect`, itself: `ask 127.0.0.1 5000 3 10` }),
    ]);
    // The kubelet asks every second, and takes the first failure for one.
    const ready = await kubectl(
      ...['-n', ns, 'get', 'pod', 'net-client', '-o', 'jsonpath={.status.containerStatuses[*].ready}'],
    );
    const ended = await stop(plugin);
    expect([...inward.four.lines, ...outward.six.lines]).toEqual(['lost', 'lost']);
    expect(outward.itself.tripsMs).toHaveLength(3);
    expect(ready).toBe('true true');
    expect(plugin.said).toMatch(/where the kubelet's probes usually come from/);
    expect(plugin.said).toMatch(/2 containers/);
    expect(ended.code, plugin.said).toBe(130);
  });

  describe('a pod that the kubelet restarts when two probes fail', () => {
    const restarts = async () =>
      Number(
        await kubectl(
          ...['-n', ns, 'get', 'pod', 'probed', '-o', 'jsonpath={.status.containerStatuses[0].restartCount}'],
        ),
      );
    const partition = (...flags: string[]) =>
      chaos('net', 'probed', '-n', ns, '--partition', '--duration', '7s', ...flags);
    let kubelet = '';

    it('is partitioned from everybody for seven: whoever probes it is seen and excluded', async () => {
      await apply(probedPod, ns);
      await kubectl('-n', ns, 'wait', '--for=condition=Ready', 'pod/probed', '--timeout=60s');
      const ended = await partition();
      kubelet = /(\S+)(?: \(\w+\))?: seen probing port 8080 \(kube-probe\)/.exec(ended.stderr)?.[1] ?? '';
      expect(kubelet, ended.stdout + ended.stderr).not.toBe('');
      expect(ended.stderr).not.toContain('liveness probe');
      expect(await restarts(), ended.stdout + ended.stderr).toBe(0);
    });

    it('is partitioned from the kubelet by name: told before, and restarted as told', async () => {
      // It ends with the restart.
      const ended = await partition('--from', kubelet, '--duration', '60s');
      const said = ended.stdout + ended.stderr;
      expect(said).toContain('the liveness probe of container app (http :8080/passwd, every 1s, 2 failures)');
      expect(said).toMatch(/which is affected: the kubelet will restart container app after about 2s/);
      expect(ended.code, said).toBe(3);
      await until('restarted', 10, async () => (await restarts()) > 0);
      await kubectl('-n', ns, 'delete', 'pod', 'probed', '--wait=false');
    });
  });

  const ends: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['the shim killed by -9', () => killShims()],
    ['the agent pod deleted by force', () => deleteAgentsByForce(ns)],
    ['the target’s container killed', () => killTarget(talk())],
  ];
  it.each(ends)('%s: the fault is gone within 2 s, and it is told', async (_what, end) => {
    const { server } = talk();
    const plugin = await startFault(
      talk(),
      ...['-c', 'app', '--rate', '1mbit', '--direction', 'both', '--to', 'pod/net-server'],
    );
    await end();
    await untilFaultGone(2);
    const ended = await plugin.ended;
    expect(ended.code, plugin.said).toBe(3);
    expect(ended.stdout).toContain('nothing left');
    // Four seconds at the rate.
    const heard = await ask(talk(), { four: `pour ${server.four} 5000 500000` });
    expect(heard.four.transferMs).toBeLessThan(1_500);
  });

  it('the plugin killed by -9: the fault is gone with its lease', async () => {
    const plugin = await startFault(talk(), '--partition', '--lease', '5s', '--to', 'pod/net-server');
    plugin.kill('SIGKILL');
    await until('the fault gone', 10, async () => {
      const { four } = await ask(talk(), { four: `ask ${talk().server.four} 5000 1 0 connect` });
      return four.tripsMs.length === 1;
    });
    expect((await chaos('stop', '--all', '-n', ns)).code).toBe(0);
  });
});

const probedPod = `
apiVersion: v1
kind: Pod
metadata: {name: probed}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: app
      image: localhost/kubectl-chaos/test/busybox:1
      imagePullPolicy: Never
      command: [httpd, -f, -p, "8080", -h, /etc]
      livenessProbe: {httpGet: {port: web, path: /passwd}, periodSeconds: 1, failureThreshold: 2}
      readinessProbe: {httpGet: {port: 8080, path: /passwd}, periodSeconds: 1}
      ports: [{name: web, containerPort: 8080}]
`;
