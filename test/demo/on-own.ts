import { readFileSync } from 'node:fs';
import { type LocalCluster, loadCommand } from './local-cluster.ts';
import { imagesOf, type NodeImage, pauseImage, type ToolsImage, targetManifest, toolsImage } from './own-images.ts';
import { ask, root, runQuietly, say } from './programs.ts';
import { show, showStress, showWhatIsLeft } from './show.ts';

const namespace = 'kubectl-chaos-demo';

/** Gets the tools onto the nodes; false when that failed. */
async function provide({ image, build }: ToolsImage, cluster: LocalCluster, env: NodeJS.ProcessEnv): Promise<boolean> {
  if (!build) return true;
  const built = await runQuietly('building the tools image', build, env);
  if (built.status !== 0) return false;
  return (await runQuietly(`loading it into ${cluster.context}`, loadCommand(cluster, image), env)).status === 0;
}

/** On a local cluster of the user's own, in a namespace that is made for it and deleted afterwards. */
export async function onOwn(cluster: LocalCluster, env: NodeJS.ProcessEnv): Promise<number> {
  const connection = { flags: ['--context', cluster.context, '-n', namespace], env };
  const kubectl = (...args: string[]) => ask(['kubectl', '--context', cluster.context, ...args], env);
  const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { version: string };
  const images: NodeImage[] = imagesOf(JSON.parse(kubectl('get', 'nodes', '-o', 'json').stdout));
  const has = (program: string) => ask([program, 'version'], env).status === 0;
  const tools = toolsImage({
    named: env.KUBECTL_CHAOS_IMAGE,
    version,
    images,
    canLoad: has('docker') && has(cluster.maker),
  });
  if (!tools) {
    process.stderr.write(
      `${cluster.context} has no tools image, and docker and ${cluster.maker} are not both here to give it one.\nSet KUBECTL_CHAOS_IMAGE to one that it can pull, or run the demo in a sandbox: npm run demo\n`,
    );
    return 1;
  }
  if ((await runQuietly('building the plugin', ['npm', 'run', '--silent', 'build'], env)).status !== 0) return 1;
  if (!(await provide(tools, cluster, env))) return 1;
  const made = kubectl('create', 'namespace', namespace);
  if (made.status !== 0) {
    process.stderr.write(`${made.stderr}It is the demo's own: if an earlier one has left it, delete it.\n`);
    return 1;
  }
  try {
    say('a target: the pause program, no shell, limits of 500m CPU and 128Mi memory');
    const manifest = JSON.stringify(targetManifest(pauseImage(images)));
    const applied = ask(['kubectl', ...connection.flags, 'apply', '-f', '-'], env, manifest);
    process.stdout.write(`${applied.stdout}${applied.stderr}`);
    if (applied.status !== 0) return 1;
    const ready = await show(connection, 'kubectl', 'wait', '--for=condition=Ready', 'pod/web', '--timeout=120s');
    if (ready !== 0) return 1;
    const withImage = { ...connection, env: { ...env, KUBECTL_CHAOS_IMAGE: tools.image } };
    const status = await showStress(withImage, 'pod/web', say);
    say('what is left');
    await showWhatIsLeft(connection);
    return status;
  } finally {
    await runQuietly(
      `deleting namespace ${namespace}`,
      ['kubectl', '--context', cluster.context, 'delete', 'namespace', namespace],
      env,
    );
  }
}
