import { repository, run, runAside } from './counts.ts';

const clusterScript = `${repository}test/cluster/cluster`;

/** Brings a cluster of ours up, or finds it up; its kubeconfig, or undefined when it did not come up. */
export async function bringUp(kind: string): Promise<string | undefined> {
  const { status, stdout } = await run([clusterScript, 'up', kind]);
  const kubeconfig = /^KUBECONFIG=(.*)$/m.exec(stdout)?.[1];
  return status === 0 && kubeconfig ? kubeconfig : undefined;
}

/** Whether a cluster of ours runs, and its API server answers with a node that is ready. */
export async function isHealthy(kind: string): Promise<boolean> {
  const { status } = await run([clusterScript, 'status', kind]);
  return status === 0;
}

/** Begins to bring it up by what others leave of the CPUs; should that fail, `bringUp` does it anew, and says what is wrong. */
export function bootAside(kind: string): void {
  void runAside(['nice', '-n', '10', clusterScript, 'up', kind], `build/${kind}-boot.log`);
}

/** Begins to make what the clusters are made of by what others leave of the CPUs; `bringUp` waits for it, and makes what is not there. */
export function makeClustersAside(): void {
  void runAside(['nice', '-n', '15', clusterScript, 'vm-image'], 'build/vm-image.log');
}

/** For a program that is not started by test/e2e/run.ts: as those tests find it, so that what supports them serves here. */
export async function bringUpHost(): Promise<string> {
  const kubeconfig = await bringUp('host');
  if (!kubeconfig) throw new Error('the host cluster did not come up');
  process.env.CHAOS_E2E_KUBECONFIG = kubeconfig;
  process.env.CHAOS_E2E_CLUSTER = 'host';
  return kubeconfig;
}

/** Unless it is to be kept. */
export async function takeDown(kind: string): Promise<void> {
  if (!process.env.CHAOS_KEEP_CLUSTER) await run([clusterScript, 'down', kind]);
}
