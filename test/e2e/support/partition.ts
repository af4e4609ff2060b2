import { expect, it } from 'vitest';
import { until } from './cluster.ts';
import { ask, Conversation, startFault, stop, type Talk } from './net.ts';

/** By nftables, which every node can do; on the emulated one together with the shaping, for the time that a pair of pods takes. */
export function itPartitions(talk: () => Talk): void {
  it('partition: silence for what is new, for what is established, and for datagrams; and over as if nothing had been', async () => {
    const { server } = talk();
    const conversation = await Conversation.begin(talk());
    const plugin = await startFault(talk(), '--partition', '--to', 'pod/net-server', '--port', '5000');
    const heard = await ask(talk(), {
      four: `ask ${server.four} 5000 1 0 connect`,
      six: `ask ${server.six} 5000 1 0 connect`,
      datagram: `ask ${server.four} 5000 3 10 udp`,
      datagram6: `ask ${server.six} 5000 3 10 udp`,
      otherPort: `ask ${server.four} 5001 5 10`,
      otherPort6: `ask ${server.six} 5001 5 10`,
    });
    const during = conversation.heard;
    const ended = await stop(plugin);
    // It sends again after a while that doubles each time.
    await until('the connections go on', 60, () => conversation.goesOn(during));
    await conversation.hangUp();
    const { four, six } = conversation.heard;
    const said = JSON.stringify({ ...heard, established: [four, six] }, undefined, 1);
    for (const hit of [heard.four, heard.six]) expect(hit.lines, said).toEqual(['lost']);
    for (const hit of [heard.datagram, heard.datagram6]) {
      // The kernel itself tells a sender of datagrams that they were not let out.
      expect(hit.share('lost') + hit.share('denied'), said).toBe(1);
    }
    for (const spared of [heard.otherPort, heard.otherPort6]) expect(spared.tripsMs, said).toHaveLength(5);
    for (const connection of [four, six]) {
      expect(connection.lines[0], said).toMatch(/^\d/);
      expect(connection.share('lost'), said).toBeGreaterThan(0);
      expect(connection.share('reset'), said).toBe(0);
    }
    expect(ended.code, plugin.said).toBe(130);
    expect(ended.stdout).toContain('nothing left');
  });
}
