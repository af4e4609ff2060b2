import { describe, expect, it } from 'vitest';
import { kubeconfig, kubectl, lasting, until } from './support/cluster.ts';
import { diskSuite } from './support/disk.ts';
import { dd, limitsOf } from './support/io.ts';
import { containerId, onNode, ourNetworkStates } from './support/node.ts';
import { Plugin, startWithoutImage, untilActive } from './support/plugin.ts';

const ns = 'chaos-e2e-no-image';
// One is on an image with nothing but a static program in it.
const disk = diskSuite(ns, ['io-data', 'io-distroless']);
const images = {
  'io-data': 'localhost/kubectl-chaos/test/busybox:1',
  'io-distroless': 'localhost/kubectl-chaos/test/distroless:1',
};
const ours = 'app.kubernetes.io/managed-by=kubectl-chaos';

function onDisk(pod: keyof typeof images, ...flags: string[]): Plugin {
  return startWithoutImage('io', `pod/${pod}`, '-n', ns, '-c', 'app', '--path', '/data', ...flags);
}

/** The image of the agent that there is. */
function agentImage(): Promise<string> {
  return kubectl('-n', ns, 'get', 'pods', '-l', ours, '-o', 'jsonpath={.items[*].spec.containers[*].image}');
}

const nodeOf = (pod: string) => kubectl('-n', ns, 'get', 'pod', pod, '-o', 'jsonpath={.spec.nodeName}');

describe('where no image is named', () => {
  it("io --fill runs on the target's own image, also one without a shell or a library: effective, and reverted to the block", async () => {
    const before = await disk().space();
    const plugin = onDisk('io-distroless', '--fill', '100Mi', '--leave', '16Mi', '--duration', lasting(5));
    await untilActive(plugin);
    const [image, during] = [await agentImage(), await disk().space()];
    const ended = await plugin.ended;
    expect(image).toBe(images['io-distroless']);
    expect((before.free - during.free) * before.blockBytes).toBeGreaterThanOrEqual(100 * 2 ** 20);
    expect(ended.code, plugin.said).toBe(0);
    expect(ended.stdout).toContain('Effective.');
    expect(await disk().space()).toEqual(before);
  });

  it("io --throttle runs on the target's own image: effective, and reverted", async () => {
    const plugin = onDisk('io-data', '--throttle', 'write=1Mi', '--duration', lasting(8));
    await untilActive(plugin);
    const image = await agentImage();
    const seconds = await dd(ns, 'io-data', 'if=/dev/zero of=/data/x bs=128k count=24 oflag=direct');
    const ended = await plugin.ended;
    expect(image).toBe(images['io-data']);
    expect(seconds).toBeGreaterThan(2);
    expect(ended.code, plugin.said).toBe(0);
    expect(ended.stdout).toContain('Effective.');
    expect(await limitsOf(ns, 'io-data')).toBe('');
    await disk().run('rm -f x');
  });

  it('sweep runs on an image that a container of the node runs on: finds what was left, and removes it', async () => {
    const find = `p=$(grep -l ${await containerId(ns, 'io-data')} /proc/[0-9]*/cgroup 2>/dev/null | head -n 1)`;
    await onNode(
      `${find}; nsenter --net=\${p%/cgroup}/ns/net tc qdisc add dev eth0 root handle c4a0: tbf rate 10mbit burst 32kb latency 50ms`,
    );
    expect(await ourNetworkStates()).not.toEqual([]);
    // It is there for a second or two, within which a busy machine may not get to look: who watches sees it.
    const whose = '{.metadata.labels.app\\.kubernetes\\.io/managed-by}';
    const pods = ['-n', ns, 'get', 'pods', '--watch', '-o', `jsonpath=${whose}: {.spec.containers[*].image}{"\\n"}`];
    const watching = new Plugin(['--kubeconfig', kubeconfig, ...pods], { program: 'kubectl' });
    await until('pods are watched', 30, () => watching.stdout.includes('\n'));
    const plugin = startWithoutImage('sweep', await nodeOf('io-data'), '-n', ns, '--yes');
    const ended = await plugin.ended;
    const image = () => /^kubectl-chaos: (.*)\n/m.exec(watching.stdout)?.[1];
    await until('the agent is seen', 30, () => image() !== undefined);
    watching.kill('SIGTERM');
    await watching.ended;
    expect(Object.values(images)).toContain(image());
    expect(ended.code, plugin.said).toBe(0);
    expect(ended.stdout).toMatch(/io-data +qdisc +eth0 c4a0: +removed$/m);
    expect(await ourNetworkStates()).toEqual([]);
  });
});

describe('kubectl drain', () => {
  it('evicts the agent, which reverts', async () => {
    const node = await nodeOf('io-data');
    const plugin = onDisk('io-data', '--throttle', 'write=1Mi', '--duration', '10m');
    await untilActive(plugin);
    try {
      // Of an agent that has no controller it would say so, and evict nothing.
      await kubectl('drain', node, `--pod-selector=${ours}`, '--timeout=90s');
      expect(await limitsOf(ns, 'io-data')).toBe('');
    } catch (error) {
      plugin.kill('SIGINT');
      throw error;
    } finally {
      await kubectl('uncordon', node);
    }
    const ended = await plugin.ended;
    expect(ended.code, plugin.said).toBe(3);
    expect(plugin.said).toContain('the agent pod was deleted by somebody else');
    expect(ended.stdout).toContain('nothing left');
  });
});
