/**
 * npm run demo: brings up a sandbox cluster, runs the main job on it, shows what it did, and takes everything down again. The user's own kube context is neither read nor written.
 */
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const cluster = `${root}test/cluster/cluster`;
const env: NodeJS.ProcessEnv = { ...process.env, KUBECONFIG: undefined, PATH: `${root}dist:${process.env.PATH}` };

function say(text: string): void {
  process.stdout.write(`\n# ${text}\n`);
}

/** Runs a command with this terminal; its exit code. */
function run(program: string, args: readonly string[]): number {
  return spawnSync(program, args, { cwd: root, env, stdio: 'inherit' }).status ?? 1;
}

/** Shows a command as a user would type it, and runs it. */
function show(program: string, ...args: string[]): number {
  const hidden = args.indexOf('--kubeconfig');
  const typed = args.filter((_, index) => index !== hidden && index !== hidden + 1);
  process.stdout.write(`\n$ ${[program, ...typed].join(' ')}\n`);
  return run(program, args);
}

/** What `cluster can` says: whether this sandbox is possible here, and why or why not. */
function can(kind: string): { possible: boolean; why: string } {
  const { status, stdout, stderr } = spawnSync(cluster, ['can', kind], { cwd: root, env, encoding: 'utf8' });
  return { possible: status === 0, why: `${stdout}${stderr}`.trim() };
}

function choose(): string | undefined {
  const vm = can('vm');
  const fast = vm.possible && !/emulat/i.test(vm.why);
  if (fast) {
    say(`the sandbox is a virtual machine: ${vm.why}`);
    return 'vm';
  }
  const host = can('host');
  if (host.possible) {
    say(`the sandbox is this machine (${host.why}), because a fast virtual machine is not possible: ${vm.why}`);
    return 'host';
  }
  process.stderr.write(`The demo is not possible here.\n  virtual machine: ${vm.why}\n  this machine: ${host.why}\n`);
  return undefined;
}

/** Two pods that talk to each other, and do not for a while. */
function cutOff(connection: readonly string[]): number {
  say('two pods, of which one asks the other something ten times a second');
  const pods = ['net-client', 'net-server'];
  for (const pod of pods) run('kubectl', [...connection, 'apply', '-f', `${root}test/cluster/pods/${pod}.yaml`]);
  const ready = pods.map((pod) => `pod/${pod}`);
  show('kubectl', 'wait', ...connection, '--for=condition=Ready', ...ready, '--timeout=300s');
  const address = spawnSync('kubectl', [...connection, 'get', 'pod', 'net-server', '-o', 'jsonpath={.status.podIP}'], {
    env,
    encoding: 'utf8',
  }).stdout;
  const asking = ['exec', 'net-client', '-c', 'probe', '--', 'peer', 'ask', address, '5000', '1000', '100', 'udp'];
  const talk = spawn('kubectl', [...connection, ...asking], { env, stdio: 'ignore' });
  say('and: what if the network between them were gone?');
  const partition = [
    'net',
    'pod/net-client',
    ...connection,
    '--partition',
    '--to',
    'pod/net-server',
    '--duration',
    '8s',
  ];
  const status = show('kubectl', 'chaos', ...partition);
  talk.kill();
  return status;
}

function demo(kubeconfig: string): number {
  const connection = ['--kubeconfig', kubeconfig];
  const target = `${root}test/cluster/pods/distroless.yaml`;
  say('a target: one static program, no shell, limits of 500m CPU and 128Mi memory');
  run('kubectl', [...connection, 'apply', '-f', target]);
  show('kubectl', 'wait', ...connection, '--for=condition=Ready', 'pod/distroless', '--timeout=300s');
  say('the question: what if it had to share its CPU with two busy workers?');
  const cpu = show('kubectl', 'chaos', 'stress', 'pod/distroless', ...connection, '--cpu', '2', '--duration', '15s');
  say('and: what if three quarters of its memory were taken?');
  const memory = show(
    'kubectl',
    'chaos',
    'stress',
    'pod/distroless',
    ...connection,
    '--memory',
    '75%',
    '--duration',
    '10s',
  );
  const net = cutOff(connection);
  say('what is left');
  show('kubectl', 'get', ...connection, 'pods,configmaps', '-l', 'app.kubernetes.io/managed-by=kubectl-chaos');
  return cpu || memory || net;
}

const kind = choose();
if (kind === undefined) {
  process.exitCode = 1;
} else {
  let status = 1;
  // Ctrl-C goes to the command in the foreground; what was brought up is taken down whatever happens.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  try {
    status = run('npm', ['run', '--silent', 'build']);
    if (status === 0) {
      say('bringing the sandbox up: the first time this builds Kubernetes, which takes about five minutes');
      const up = spawnSync(cluster, ['up', kind], {
        cwd: root,
        env,
        encoding: 'utf8',
        stdio: ['inherit', 'pipe', 'inherit'],
      });
      const kubeconfig = /^KUBECONFIG=(.*)$/m.exec(up.stdout)?.[1];
      status = up.status === 0 && kubeconfig ? demo(kubeconfig) : 1;
    }
  } finally {
    say('taking the sandbox down');
    run(cluster, ['down', kind]);
  }
  process.exitCode = status;
}
