import { Option } from 'commander';
import type { FlagShape } from './argv.ts';

const groups = {
  fault: 'Fault:',
  packets: 'Which packets:',
  load: 'To keep it busy:',
  fill: 'To fill it:',
  throttle: 'To slow the container on it:',
  choice: 'Which:',
  run: 'Experiment:',
  connection: "Connection (as kubectl's):",
} as const;

function flag(group: string, spelling: string, description: string): Option {
  return new Option(spelling, description).helpGroup(group);
}

/** A flag that may be given several times. */
function repeated(option: Option): Option {
  return option.argParser((value: string, previous: string[] | undefined) => [...(previous ?? []), value]);
}

/** How to run a fault. `net` starts no workload in the target, so that nothing is to be said of one. */
export function runFlags(fault: 'stress' | 'net' | 'io' = 'stress'): Option[] {
  const run = (spelling: string, description: string) => flag(groups.run, spelling, description);
  const ofWorkload = (option: Option) => (fault === 'net' ? [] : [option]);
  return [
    fault === 'net'
      ? run('-c, --container <name>', 'container of the pod to reach its network by; all of them share it')
      : run('-c, --container <name>', "container of the pod (default: the pod's default container, else the first)"),
    run('--duration <time>', 'how long, at most 24h (default: 60s)'),
    ...ofWorkload(run('--grace <time>', 'from TERM to KILL when the workload is stopped, at most 10m (default: 2s)')),
    run('--lease <time>', 'the fault ends by itself this long after contact with this command is lost (default: 15s)'),
    run('--detach', 'return as soon as the fault is active; it ends by itself after --duration, or by "stop"'),
    ...ofWorkload(
      run(
        '--as <who>',
        `root: ${fault === 'io' ? 'read and write' : 'run the workload'} as uid 0 with the target's bounding set, not as its own user; any other name: impersonate that user`,
      ),
    ),
    ...ofWorkload(
      run('--strict', "refuse where the target's seccomp filter or security label cannot be put over the workload"),
    ),
    run('--image <image>', `tools image with ${fault === 'net' ? 'iproute2 and nftables' : 'stress-ng'} in it`),
    run('--image-pull-secret <name>', "secret in the agent's namespace to pull it with"),
    run('--agent-namespace <name>', "where the agent pod runs (default: the target's namespace)"),
    run('--reason <text>', 'why, for those who find the agent pod'),
    run('--dry-run <mode>', 'client: print the pod and the plan as YAML, touch nothing'),
    run('-o, --output <format>', 'json: one document at the end; ndjson: the events as they come'),
    run('-v, --verbose', 'show what is sent to the API server and what the shim found'),
  ];
}

/** Flags of `ls`. */
export function listFlags(): Option[] {
  return [
    allNamespaces(),
    flag(groups.choice, '-o, --output <format>', 'wide, json, or name: the ids alone'),
    impersonate(),
  ];
}

/** Flags of `stop`. */
export function stopFlags(): Option[] {
  return [
    flag(groups.choice, '--all', 'every experiment of the namespace'),
    allNamespaces(),
    flag(groups.choice, '-o, --output <format>', 'json, or name: the ids alone'),
    impersonate(),
  ];
}

/** Flags of `sweep`. */
export function sweepFlags(): Option[] {
  return [
    flag(groups.choice, '--all-nodes', 'every node of the cluster'),
    flag(groups.choice, '-y, --yes', 'remove what is found and not in use, without a question'),
    flag(groups.choice, '-A, --all-namespaces', 'look for leftover pods and ConfigMaps in every namespace'),
    flag(groups.choice, '--image <image>', 'any that the nodes can run'),
    flag(groups.choice, '--image-pull-secret <name>', "secret in the agents' namespace to pull it with"),
    flag(groups.choice, '-o, --output <format>', 'json'),
    impersonate(),
  ];
}

/** Flags of `attach`. */
export function attachFlags(): Option[] {
  return [
    allNamespaces(),
    flag(groups.choice, '-o, --output <format>', 'json: one document at the end; ndjson: the events as they come'),
    flag(groups.choice, '-v, --verbose', 'show how the workload ended, and what was sent to the API server'),
    impersonate(),
  ];
}

const allNamespaces = () => flag(groups.choice, '-A, --all-namespaces', 'look in every namespace');
/** `--as` where there is no workload that could run as somebody. */
export const impersonate = () => flag(groups.connection, '--as <user>', 'impersonate this user');

/** kubectl's flags that say which cluster, and who asks. */
export function connectionFlags(namespaceOf = 'the target'): Option[] {
  const connection = (spelling: string, description: string) => flag(groups.connection, spelling, description);
  return [
    connection('-n, --namespace <name>', `namespace of ${namespaceOf}`),
    connection('--kubeconfig <file>', 'kubeconfig file'),
    connection('--context <name>', 'context of the kubeconfig'),
    connection('--cluster <name>', 'cluster of the kubeconfig'),
    connection('--user <name>', 'user of the kubeconfig'),
    connection('-s, --server <url>', 'address of the API server'),
    connection('--token <token>', 'bearer token'),
    connection('--as-user <name>', 'impersonate, also a user who is called root or target'),
    repeated(connection('--as-group <name>', 'impersonate this group; repeatable')),
    connection('--as-uid <uid>', 'impersonate this uid'),
    connection('--certificate-authority <file>', 'certificate of the authority'),
    connection('--client-certificate <file>', 'client certificate'),
    connection('--client-key <file>', 'client key'),
    connection('--tls-server-name <name>', "name to check the server's certificate against"),
    connection('--insecure-skip-tls-verify', "do not check the server's certificate"),
    connection(
      '--request-timeout <time>',
      'give up a single request after this time; 0: never (default: 15s to connect, 65s for an answer)',
    ),
  ];
}

/** Flags of `stress` alone. */
export function stressFlags(): Option[] {
  const fault = (spelling: string, description: string) => flag(groups.fault, spelling, description);
  return [
    fault('--cpu <workers>', 'keep this many CPUs busy'),
    fault('--cpu-load <percent>', 'how busy each is (default: 100)'),
    fault(
      '--memory <size|percent>',
      "take and hold memory: 512Mi, or 80% of the container's limit (without one: of the node's allocatable)",
    ),
    fault('--processes <number>', 'fork pressure by this many workers'),
    fault('--oom-victim <who>', 'whom the OOM killer takes first: stressor or app (default: stressor)'),
  ];
}

/** Flags of `net` alone. */
export function netFlags(): Option[] {
  const fault = (spelling: string, description: string) => flag(groups.fault, spelling, description);
  const packets = (spelling: string, description: string) => flag(groups.packets, spelling, description);
  return [
    fault('--delay <time>', 'hold each packet back this long, at most 4m'),
    fault('--jitter <time>', 'vary the delay by up to this much'),
    fault('--correlation <percent>', "how much each packet's delay depends on the one before"),
    fault('--distribution <name>', 'of the jitter: normal, uniform, pareto or paretonormal (default: uniform)'),
    fault('--loss <percent>', 'lose packets: 2%, or with a correlation 2%,25%'),
    fault('--loss-model <words>', "lose packets in netem's way: gemodel P [R [1-H [1-K]]], or state P13 [P31 …]"),
    fault('--corrupt <percent>', 'flip a bit in this share of the packets'),
    fault('--duplicate <percent>', 'send this share of the packets twice'),
    fault('--reorder <percent>', 'let this share of the packets overtake the delayed ones: 25%, or 25%,50%'),
    fault('--rate <rate>', 'at most this many bits a second: 500kbit, 1mbit, 1gbit'),
    fault('--burst <size>', 'size of the bucket that --rate fills: 32Ki (default: 10 ms of the rate)'),
    fault('--partition', 'drop the packets'),
    fault('--reject', 'answer with an error at once: connection refused'),
    repeated(
      packets(
        '--to <peer>',
        'what the target sends to: CIDR, IP, host name, svc/NAME, pod/NAME, deploy/NAME; repeatable',
      ),
    ),
    repeated(packets('--from <peer>', 'what the target receives from, named in the same ways; repeatable')),
    repeated(packets('--except <peer>', 'never these; repeatable')),
    repeated(
      packets('--port <ports>', 'of the side that serves: the peer of --to, the target of --from: 80,8000-8080'),
    ),
    packets('--protocol <name>', 'tcp, udp or icmp (default: all)'),
    repeated(packets('--interface <name>', 'only this one; repeatable (default: those with a route to the peers)')),
    packets(
      '--direction <name>',
      'egress, ingress or both (default: by --to and --from, else egress; to drop and reject: both)',
    ),
    packets('--allow-host-network', "also when the pod uses the node's own network: this hits the node"),
  ];
}

/** Flags of `io` alone. */
export function ioFlags(): Option[] {
  const fault = (spelling: string, description: string) => flag(groups.fault, spelling, description);
  const load = (spelling: string, description: string) => flag(groups.load, spelling, description);
  const fill = (spelling: string, description: string) => flag(groups.fill, spelling, description);
  return [
    fault('--path <directory>', 'of the container: the disk behind it is meant'),
    fault('--allow-node-disk', "also when the node itself lives on that disk: this hits the node's other pods"),
    load(
      '--mode <name>',
      'read, write, mixed, metadata (create, rename, delete) or sync (small writes, each waited for)',
    ),
    load('--workers <number>', 'how many do so at the same time (default: 1)'),
    load('--size <size>', "of each worker's file (default: 1Gi)"),
    load('--block-size <size>', 'of each read or write (default: 1Mi to write, 64Ki mixed, 4Ki to sync)'),
    // Read only to say why not.
    load('--rate <rate>', '').hideHelp(),
    fill(
      '--fill <size|percent>',
      'take so much space, or until so much of what the target may use is in use: 2Gi, 95%',
    ),
    fill('--fill-inodes <number|percent>', 'take so many inodes, or until so many are in use: 10k, 95%'),
    fill('--leave <size>', 'what stays free whatever is asked (default: 64Mi)'),
    repeated(
      flag(
        groups.throttle,
        '--throttle <limits>',
        'at most so much a second: write=1Mi,read=4Mi in bytes, write-iops=50,read-iops=100 in operations',
      ),
    ),
  ];
}

/** What argv's pre-pass needs to know of the flags. */
export function shapes(options: readonly Option[]): FlagShape[] {
  return options.map((option) => ({
    long: option.long ?? '',
    ...(option.short ? { short: option.short } : {}),
    boolean: option.isBoolean(),
  }));
}
