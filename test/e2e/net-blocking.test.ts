import { describe, expect, it } from 'vitest';
import { apply, clusterKind, kubectl, until } from './support/cluster.ts';
import { ask, Conversation, inNetwork, networkOf, startFault, stop, talkSuiteBesideOthers } from './support/net.ts';
import { itPartitions } from './support/partition.ts';
import { chaos, idOf } from './support/plugin.ts';

/** What needs no sch_netem, and counts no seconds. */
const ns = 'chaos-e2e-blocking';
const talk = talkSuiteBesideOthers(ns);
const net = (...flags: string[]) => chaos('net', 'pod/net-client', '-n', ns, ...flags);

describe('net without netem', () => {
  itPartitions(talk);

  it('reject: refused at once what is new, reset what is established, of one protocol', async () => {
    const { server } = talk();
    const conversation = await Conversation.begin(talk());
    const plugin = await startFault(
      talk(),
      ...['--reject', '--to', server.four, '--to', `${server.six}/128`, '--port', '4000-5000', '--protocol', 'tcp'],
    );
    const heard = await ask(talk(), {
      four: `ask ${server.four} 5000 2 10 connect`,
      six: `ask ${server.six} 5000 2 10 connect`,
      otherProtocol: `ask ${server.four} 5000 5 10 udp`,
      otherPort: `ask ${server.six} 5001 5 10`,
    });
    const refused = () => Object.values(conversation.heard).every((connection) => connection.share('refused') > 0);
    await until('both are refused when they try again', 30, refused);
    const [ended] = await Promise.all([stop(plugin), conversation.hangUp()]);
    const { four, six } = conversation.heard;
    const said = JSON.stringify({ ...heard, established: [four, six] }, undefined, 1);
    for (const hit of [heard.four, heard.six]) expect(hit.lines, said).toEqual(['refused', 'refused']);
    for (const spared of [heard.otherProtocol, heard.otherPort]) expect(spared.tripsMs, said).toHaveLength(5);
    for (const connection of [four, six]) {
      expect(connection.lines[0], said).toMatch(/^\d/);
      expect(connection.share('reset'), said).toBeGreaterThan(0);
    }
    expect(ended.code, plugin.said).toBe(130);
  });

  it('reject of what comes in, by the port of the target', async () => {
    const { client } = talk();
    const plugin = await startFault(talk(), '--reject', '--from', 'pod/net-server', '--port', '5000');
    const heard = await ask(
      talk(),
      {
        four: `ask ${client.four} 5000 2 10 connect`,
        six: `ask ${client.six} 5000 2 10 connect`,
        datagram: `ask ${client.four} 5000 2 10 udp`,
        datagram6: `ask ${client.six} 5000 2 10 udp`,
        otherPort: `ask ${client.six} 5001 5 10`,
      },
      { pod: 'net-server', container: 'app' },
    );
    const ended = await stop(plugin);
    for (const hit of [heard.four, heard.six]) expect(hit.lines).toEqual(['refused', 'refused']);
    for (const hit of [heard.datagram, heard.datagram6]) expect(hit.lines.join(), plugin.said).not.toMatch(/\d|lost/);
    expect(heard.otherPort.tripsMs).toHaveLength(5);
    expect(ended.code, plugin.said).toBe(130);
  });

  it('exits 3 when no packet matched, and asks for the port', async () => {
    const ended = await net('--partition', '--to', '192.0.2.77', '--port', '5432', '--duration', '2s');
    expect(ended.code, ended.stdout + ended.stderr).toBe(3);
    expect(ended.stdout).toMatch(/no packet .*matched.* is 5432 the port\?/i);
    expect(ended.stdout).toContain('nothing left');
  });

  it('a second experiment on the pod: refused, naming the first, which goes on', async () => {
    const { server } = talk();
    const plugin = await startFault(talk(), '--partition', '--to', server.four);
    const second = await net('--rate', '1mbit', '--to', server.six, '--duration', '5s');
    const heard = await ask(talk(), { four: `ask ${server.four} 5000 1 0 connect` });
    const ended = await stop(plugin);
    expect(second.code, second.stdout + second.stderr).toBe(1);
    expect(second.stderr).toMatch(new RegExp(`^error: .*${idOf(plugin)}`, 'm'));
    expect(second.stderr).toContain('nothing was changed');
    expect(heard.four.lines).toEqual(['lost']);
    expect(ended.code, plugin.said).toBe(130);
  });

  it('a qdisc of somebody else’s: refused by its name, and left as it is', async () => {
    await inNetwork(talk(), 'tc qdisc replace dev eth0 root handle 77: tbf rate 1gbit burst 64kb latency 50ms');
    try {
      const ended = await net('--rate', '1mbit', '--duration', '5s');
      expect(ended.code, ended.stdout + ended.stderr).toBe(1);
      expect(ended.stderr).toMatch(/^error: .*tbf/m);
      expect(ended.stderr).toContain('nothing was changed');
      expect(await networkOf(talk())).toContain('qdisc tbf 77: dev eth0 root');
    } finally {
      await inNetwork(talk(), 'tc qdisc delete dev eth0 root; ip link set eth0 txqueuelen 0');
    }
  });

  it.skipIf(clusterKind !== 'host')('delay where the kernel has no netem: refused, naming sch_netem', async () => {
    const ended = await net('--delay', '100ms', '--duration', '5s');
    expect(ended.code, ended.stdout + ended.stderr).toBe(1);
    expect(ended.stderr).toMatch(/^error: .*sch_netem/m);
    expect(ended.stderr).toContain('nothing was changed');
  });

  it('a pod on the host’s network: refused', async () => {
    await apply(hostPod, ns);
    await kubectl('-n', ns, 'wait', '--for=condition=Ready', 'pod/on-host', '--timeout=60s');
    const ended = await chaos('net', 'on-host', '-n', ns, '--partition', '--to', '192.0.2.77', '--duration', '5s');
    await kubectl('-n', ns, 'delete', 'pod', 'on-host', '--wait=false');
    expect(ended.code, ended.stdout + ended.stderr).toBe(1);
    expect(ended.stderr).toMatch(/^error: .*(host's network|hostNetwork)/m);
    expect(ended.stderr).toContain('--allow-host-network');
    expect(ended.stderr).toContain('nothing was changed');
  });
});

const hostPod = `
apiVersion: v1
kind: Pod
metadata: {name: on-host}
spec:
  hostNetwork: true
  terminationGracePeriodSeconds: 0
  containers: [{name: app, image: "localhost/kubectl-chaos/test/busybox:1", imagePullPolicy: Never}]
`;
