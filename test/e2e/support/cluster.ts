import { execFile, type SpawnOptions, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const exec = promisify(execFile);

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: these tests are started by test/e2e/run.ts`);
  return value;
}

/** The kubeconfig of the cluster under test; the user's own is never looked at. */
export const kubeconfig = required('CHAOS_E2E_KUBECONFIG');
/** `host` (cgroup v1), `vm` (cgroup v2), or `own` (the user's, of either kind). */
export const clusterKind = required('CHAOS_E2E_CLUSTER');
/** Everything takes longer under emulation: limits for polling are multiplied by this. */
export const patience = clusterKind === 'vm' ? 6 : 1;

/** For what the kubelet starts, ends or tells of: one of 1.20 now and then takes a minute to do so. Multiplied by patience as every limit for polling. */
export const kubeletSeconds = clusterKind === 'vm' ? 30 : 90;

/** A --duration for a measured effect: under emulation stress-ng needs a second to start, which must not be what is measured. */
export const lasting = (seconds: number) => `${clusterKind === 'vm' ? seconds * 4 : seconds}s`;

export const repository = new URL('../../..', import.meta.url).pathname;

/** An environment without any kubeconfig of the user's. */
export const cleanEnv: NodeJS.ProcessEnv = { ...process.env, KUBECONFIG: undefined, NO_COLOR: '1' };

/** kubectl on the cluster under test; stdout. */
export async function kubectl(...args: string[]): Promise<string> {
  const { stdout } = await exec('kubectl', ['--kubeconfig', kubeconfig, ...args], {
    env: cleanEnv,
    maxBuffer: 64 * 2 ** 20,
  });
  return stdout;
}

export async function kubectlJson<T>(...args: string[]): Promise<T> {
  return JSON.parse(await kubectl(...args, '-o', 'json')) as T;
}

/** kubectl apply of a text. */
export async function apply(text: string, namespace: string, ...flags: string[]): Promise<void> {
  await withInput('kubectl', ['--kubeconfig', kubeconfig, '-n', namespace, 'apply', '-f', '-', ...flags], text);
}

async function withInput(program: string, args: string[], input: string, options: SpawnOptions = {}): Promise<void> {
  const child = spawn(program, args, { env: cleanEnv, stdio: ['pipe', 'ignore', 'pipe'], ...options });
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.stdin?.end(input);
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed: ${stderr}`);
}

/** One of test/cluster/pods, applied and running. `change` edits the manifest's text, its name too. */
export async function startTarget(
  namespace: string,
  manifest: string,
  change: (text: string) => string = (text) => text,
): Promise<void> {
  const text = change(await readFile(`${repository}/test/cluster/pods/${manifest}.yaml`, 'utf8'));
  await apply(text, namespace);
  const name = /^ {2}name: (\S+)$/m.exec(text)?.[1] ?? manifest;
  const kind = manifest === 'deployment' ? 'deployment/web' : `pod/${name}`;
  const condition = manifest === 'deployment' ? 'condition=Available' : 'condition=Ready';
  await kubectl('-n', namespace, 'wait', `--for=${condition}`, kind, '--timeout=120s');
}

/** A namespace of one test file's own, by name; made afresh. */
export async function makeNamespace(name: string): Promise<string> {
  await kubectl('delete', 'namespace', name, '--ignore-not-found', '--wait=true', '--timeout=120s');
  await kubectl('create', 'namespace', name);
  // The service account controller follows the namespace, and a pod without its account is refused: on the clusters of ours, of Kubernetes 1.20, without the account's token as well.
  await until(`service account in ${name}`, 30, async () => {
    const accounts = await kubectlJson<{ items: { secrets?: unknown[] }[] }>('-n', name, 'get', 'serviceaccounts');
    return accounts.items.some(({ secrets = [] }) => clusterKind === 'own' || secrets.length > 0);
  });
  return name;
}

/** A quota of so many pods, called `full`, in force: nothing is held to it before the controller has counted what there is. */
export async function setQuota(namespace: string, pods: number): Promise<void> {
  await kubectl('-n', namespace, 'create', 'quota', 'full', `--hard=pods=${pods}`);
  const used = ['-n', namespace, 'get', 'quota', 'full', '-o', 'jsonpath={.status.used.pods}'];
  await until('the quota is in force', 30, async () => (await kubectl(...used)) !== '');
}

export async function removeNamespace(name: string): Promise<void> {
  await kubectl('delete', 'namespace', name, '--ignore-not-found', '--wait=false');
}

/**
 * Polls until `condition` holds, at most `seconds` (times the cluster's patience); the last error is part of the failure. A look takes its time on a busy machine, and what it saw may be from
 * before the time was over: the last one begins after that.
 */
export async function until(what: string, seconds: number, condition: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + seconds * 1_000 * patience;
  let last: unknown;
  for (;;) {
    const isLast = Date.now() > end;
    try {
      if (await condition()) return;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (isLast) throw new Error(`not within ${seconds * patience} s: ${what}${last ? ` (${String(last)})` : ''}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
