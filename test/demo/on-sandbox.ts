import { spawn } from 'node:child_process';
import type { Sandbox } from './choice.ts';
import { ask, root, run, runQuietly, say } from './programs.ts';
import { type Connection, show, showStress, showWhatIsLeft } from './show.ts';

const cluster = `${root}test/cluster/cluster`;
const manifest = (pod: string) => `${root}test/cluster/pods/${pod}.yaml`;

/** Two pods that talk to each other, and do not for a while. */
async function cutOff(connection: Connection): Promise<number> {
  const { flags, env } = connection;
  say('two pods, of which one asks the other something ten times a second');
  const pods = ['net-client', 'net-server'];
  for (const pod of pods) await run(['kubectl', ...flags, 'apply', '-f', manifest(pod)], env);
  const ready = pods.map((pod) => `pod/${pod}`);
  await show(connection, 'kubectl', 'wait', '--for=condition=Ready', ...ready, '--timeout=300s');
  const address = ask(['kubectl', ...flags, 'get', 'pod', 'net-server', '-o', 'jsonpath={.status.podIP}'], env).stdout;
  const asking = ['exec', 'net-client', '-c', 'probe', '--', 'peer', 'ask', address, '5000', '1000', '100', 'udp'];
  const talk = spawn('kubectl', [...flags, ...asking], { env, stdio: 'ignore' });
  say('and: what if the network between them were gone?');
  const partition = ['--partition', '--to', 'pod/net-server', '--duration', '8s'];
  const status = await show(connection, 'kubectl', 'chaos', 'net', 'pod/net-client', ...partition);
  talk.kill();
  return status;
}

async function demo(connection: Connection): Promise<number> {
  say('a target: one static program, no shell, limits of 500m CPU and 128Mi memory');
  await run(['kubectl', ...connection.flags, 'apply', '-f', manifest('distroless')], connection.env);
  await show(connection, 'kubectl', 'wait', '--for=condition=Ready', 'pod/distroless', '--timeout=300s');
  const stress = await showStress(connection, 'pod/distroless', say);
  const net = await cutOff(connection);
  say('what is left');
  await showWhatIsLeft(connection);
  return stress || net;
}

/** On a cluster of the project's own, which is taken down afterwards unless it was up before. */
export async function onSandbox(kind: Sandbox, env: NodeJS.ProcessEnv): Promise<number> {
  const wasUp = ask([cluster, 'status', kind], env).status === 0;
  const built = await runQuietly('building the plugin', ['npm', 'run', '--silent', 'build'], env);
  if (built.status !== 0) return 1;
  try {
    const up = await runQuietly('bringing the cluster up', [cluster, 'up', kind], env);
    const kubeconfig = /^KUBECONFIG=(.*)$/m.exec(up.stdout)?.[1];
    return up.status === 0 && kubeconfig ? await demo({ flags: ['--kubeconfig', kubeconfig], env }) : 1;
  } finally {
    if (!wasUp) await runQuietly('taking the cluster down', [cluster, 'down', kind], env);
  }
}
