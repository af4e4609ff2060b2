import { describe, expect, it } from 'vitest';
import { apply, kubectl, patience, until } from './support/cluster.ts';
import { ask, killTarget, service, startFault, stop, talkSuite } from './support/net.ts';
import { killShims, untilFaultGone } from './support/node.ts';
import { itPartitions } from './support/partition.ts';
import { chaos, idOf } from './support/plugin.ts';

/**
 * Needs sch_netem: where there is none, net-blocking.test.ts asks for the refusal. One run has several faults where what is measured tells them
 * apart.
 */
const ns = 'chaos-e2e-shaping';
const target = ['net', 'pod/net-client', '-n', ns];
const talk = talkSuite(ns);
/** A round trip without a fault stays below, on an emulated node too. */
const soonMs = 60;

describe('net: shaping, measured by the application', () => {
  it('delay with jitter, correlation and distribution, to one port of a pod; a second experiment is refused', async () => {
    const { server } = talk();
    const plugin = await startFault(
      talk(),
      ...['--delay', '200ms', '--jitter', '20ms', '--correlation', '25%', '--distribution', 'normal'],
      ...['--to', 'pod/net-server', '--port', '5000', '--protocol', 'tcp', '--duration', `${8 + 2 * patience}s`],
    );
    const [heard, second] = await Promise.all([
      ask(talk(), {
        four: `ask ${server.four} 5000 12 0`,
        six: `ask ${server.six} 5000 12 0`,
        otherPort: `ask ${server.four} 5001 12 50`,
        otherPort6: `ask ${server.six} 5001 12 50`,
        otherProtocol: `ask ${server.four} 5000 12 50 udp`,
      }),
      chaos(...target, '--loss', '5%', '--duration', '5s'),
    ]);
    const ended = await plugin.ended;
    const said = JSON.stringify(heard, undefined, 1);
    for (const hit of [heard.four, heard.six]) {
      expect(hit.medianMs, said).toBeGreaterThan(170);
      expect(hit.medianMs, said).toBeLessThan(260);
      expect(hit.spreadMs, said).toBeGreaterThan(10);
    }
    for (const spared of [heard.otherPort, heard.otherPort6, heard.otherProtocol]) {
      expect(spared.tripsMs, said).toHaveLength(12);
      expect(spared.medianMs, said).toBeLessThan(soonMs);
    }
    expect(second.code, second.stdout + second.stderr).toBe(1);
    expect(second.stderr).toMatch(new RegExp(`^error: .*${idOf(plugin)}`, 'm'));
    expect(second.stderr).toContain('nothing was changed');
    expect(ended.code, plugin.said).toBe(0);
    expect(ended.stdout).toMatch(/^Asked for 200ms ±20ms: measured (1[789]|2[0-4])\dms more .* Effective\.$/m);
    expect(ended.stdout).toContain('nothing left');
  });

  it('loss, corruption and duplication, by their shares, to a name as the target resolves it, with an exception', async () => {
    const { server } = talk();
    const plugin = await startFault(
      talk(),
      ...['--loss', '20%', '--corrupt', '15%', '--duplicate', '25%', '--protocol', 'udp'],
      ...['--to', 'server.example', '--except', server.six],
    );
    const heard = await ask(talk(), {
      hit: `ask ${server.four} 5001 400 5 bare`,
      excepted: `ask ${server.six} 5001 50 5 bare`,
      otherProtocol: `ask ${server.four} 5001 20 20`,
    });
    const ended = await stop(plugin);
    const said = heard.hit.lines.join('\n');
    // What is duplicated is lost less often; and damage to a header is a loss.
    expect(heard.hit.share('lost'), said).toBeGreaterThan(0.1);
    expect(heard.hit.share('lost'), said).toBeLessThan(0.32);
    expect(heard.hit.share('damaged'), said).toBeGreaterThan(0.06);
    expect(heard.hit.share('damaged'), said).toBeLessThan(0.25);
    expect(heard.hit.share('twice'), said).toBeGreaterThan(0.1);
    expect(heard.hit.share('twice'), said).toBeLessThan(0.32);
    for (const spared of [heard.excepted, heard.otherProtocol]) {
      expect(spared.tripsMs).toHaveLength(spared.lines.length);
      expect(spared.share('damaged') + spared.share('twice')).toBe(0);
    }
    expect(ended.code, plugin.said).toBe(130);
    expect(plugin.said).toContain(server.four);
  });

  it('loss by a model, and reordering, to a service: its endpoints, and its cluster IPs named', async () => {
    const { server } = talk();
    await apply(service, ns);
    const clusterIps = (
      await kubectl('-n', ns, 'get', 'service', 'server', '-o', 'jsonpath={.spec.clusterIPs[*]}')
    ).split(' ');
    await until('its endpoints', 10, () =>
      kubectl('-n', ns, 'get', 'endpoints', 'server', '-o', 'jsonpath={.subsets[*].addresses[*].ip}').then(Boolean),
    );
    const plugin = await startFault(
      talk(),
      ...['--delay', '150ms', '--reorder', '40%', '--loss-model', 'gemodel 8% 60%'],
      ...['--to', 'svc/server', '--port', '80'],
    );
    const heard = await ask(talk(), {
      four: `ask ${server.four} 5000 200 10 udp`,
      six: `ask ${server.six} 5000 200 10 udp`,
      otherPort: `ask ${server.four} 5001 50 10 udp`,
    });
    const ended = await stop(plugin);
    for (const hit of [heard.four, heard.six]) {
      const said = hit.lines.join('\n');
      // In the bad state 8 / (8 + 60) of the time, some fourteen times: hardly ever less than three.
      expect(hit.share('lost'), said).toBeGreaterThan(0.01);
      expect(hit.share('lost'), said).toBeLessThan(0.25);
      expect(hit.share('overtaken'), said).toBeGreaterThan(0.3);
      const soon = hit.tripsMs.filter((ms) => ms < 100).length / hit.tripsMs.length;
      expect(soon, said).toBeGreaterThan(0.25);
      expect(soon, said).toBeLessThan(0.55);
      expect(Math.max(...hit.tripsMs), said).toBeGreaterThan(140);
    }
    expect(heard.otherPort.medianMs).toBeLessThan(soonMs);
    expect(heard.otherPort.share('lost')).toBe(0);
    expect(ended.code, plugin.said).toBe(130);
    expect(clusterIps).toHaveLength(2);
    for (const ip of [...clusterIps, server.four, server.six]) expect(plugin.said).toContain(ip);
  });

  it('ingress: from ranges of both families, to one port of the target; the shim is killed by -9: gone all the same', async () => {
    const { client, server } = talk();
    const plugin = await startFault(
      talk(),
      ...['--delay', '150ms', '--from', '10.244.0.0/24', '--from', 'fd00:10:244::/64', '--port', '5000'],
      ...['--interface', 'eth0'],
    );
    const [asked, asking] = await Promise.all([
      ask(
        talk(),
        {
          four: `ask ${client.four} 5000 8 0`,
          six: `ask ${client.six} 5000 8 0`,
          otherPort: `ask ${client.four} 5001 8 50`,
        },
        { pod: 'net-server', container: 'app' },
      ),
      ask(talk(), { four: `ask ${server.four} 5000 8 50` }),
    ]);
    await killShims();
    await untilFaultGone(2);
    const ended = await plugin.ended;
    for (const hit of [asked.four, asked.six]) {
      expect(hit.medianMs, hit.lines.join()).toBeGreaterThan(145);
      expect(hit.medianMs, hit.lines.join()).toBeLessThan(220);
    }
    for (const spared of [asked.otherPort, asking.four]) expect(spared.medianMs).toBeLessThan(soonMs);
    expect(ended.code, plugin.said).toBe(3);
    expect(ended.stdout).toContain('the shim was killed, and its guardian undid the fault');
  });

  it('both directions, a delay and a rate; the target’s container is restarted meanwhile: told, and undone all the same', async () => {
    const { server } = talk();
    const plugin = await startFault(
      talk(),
      ...['-c', 'app', '--delay', '80ms', '--rate', '2mbit', '--burst', '8Ki', '--direction', 'both'],
    );
    const trips = { four: `ask ${server.four} 5000 5 20`, six: `ask ${server.six} 5000 5 20` };
    const asked = await ask(talk(), trips);
    // 2 s of it, each way, less what the bucket lets through on credit: the burst, and a segment of 64 KiB.
    const moved = await ask(talk(), { four: `pour ${server.four} 5000 500000`, six: `draw ${server.six} 5001 500000` });
    await killTarget(talk());
    const ended = await plugin.ended;
    for (const hit of [asked.four, asked.six]) {
      expect(hit.medianMs, hit.lines.join()).toBeGreaterThan(155);
      expect(hit.medianMs, hit.lines.join()).toBeLessThan(350);
    }
    for (const hit of [moved.four, moved.six]) {
      expect(hit.transferMs, plugin.said).toBeGreaterThan(1_600);
      expect(hit.transferMs, plugin.said).toBeLessThan(4_000);
    }
    expect(ended.code, plugin.said).toBe(3);
    expect(ended.stdout).toMatch(/(?:was restarted|ended) during the experiment|the target's process ended/);
    expect(ended.stdout).toContain('nothing left');
    expect((await ask(talk(), trips)).four.medianMs).toBeLessThan(soonMs);
  });

  itPartitions(talk);
});
