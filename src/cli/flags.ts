import type { Fault, FaultCommand, FaultTools } from '../faults/fault.ts';
import { type Flag, list, oneOf, text, time, toggle, valued } from '../flags/flag.ts';
import { groups } from '../flags/groups.ts';
import type { FaultRequest } from '../requests.ts';
import { requestTimeout } from './request-timeout.ts';

const { run: group, choice, connection } = groups;

/** Flags of every fault whose value is read; what is said of some depends on the fault. */
export const run = {
  duration: time({
    ...{ name: '--duration', value: 'time', group },
    help: 'how long, at most {max} (default: {default})',
    ...{ default: '60s', min: 1_000, max: 24 * 3_600_000 },
  }),
  grace: time({
    ...{ name: '--grace', value: 'time', group },
    help: 'from TERM to KILL when the workload is stopped, at most {max} (default: {default})',
    ...{ default: '2s', min: 0, max: 600_000 },
  }),
  // A beat goes out every 3 s: a shorter lease would end on a single late packet.
  lease: time({
    ...{ name: '--lease', value: 'time', group },
    help: 'the fault ends by itself this long after contact with this command is lost (default: {default})',
    ...{ default: '15s', min: 5_000, max: 3_600_000 },
  }),
  detach: toggle({
    ...{ name: '--detach', group },
    help: 'return as soon as the fault is active; it ends by itself after --duration, or by "stop"',
  }),
  strict: toggle({
    ...{ name: '--strict', group },
    help: "refuse where the target's seccomp filter or security label cannot be put over the workload",
  }),
  agentNamespace: text({
    ...{ name: '--agent-namespace', value: 'name', group },
    help: "where the agent pod runs (default: the target's namespace)",
  }),
  reason: text({ name: '--reason', value: 'text', group, help: 'why, for those who find the agent pod' }),
  dryRun: text({
    ...{ name: '--dry-run', value: 'mode', group },
    help: 'client: print the pod and the plan as YAML, touch nothing',
  }),
  output: oneOf({
    ...{ name: '--output', short: '-o', value: 'format', group },
    help: 'json or yaml: one document at the end; ndjson: the events as they come',
    choices: ['json', 'yaml', 'ndjson'],
  }),
  verbose: toggle({
    ...{ name: '--verbose', short: '-v', group },
    help: 'show what is sent to the API server and what the shim found',
  }),
};

/** How to run a fault. One that starts no workload in the target has nothing to say of one. */
export function runFlags(
  { container, workload }: Pick<FaultCommand<FaultRequest>, 'container' | 'workload'>,
  { names }: Pick<FaultTools<Fault>, 'names'>,
): Flag[] {
  const help = container ?? "container of the pod (default: the pod's default container, else the first)";
  const as = `root: ${workload} as uid 0 with the target's bounding set, not as its own user; any other name: impersonate that user`;
  return [
    text({ name: '--container', short: '-c', value: 'name', group, help }),
    run.duration,
    ...(workload ? [run.grace] : []),
    run.lease,
    run.detach,
    ...(workload ? [text({ name: '--as', value: 'who', group, help: as }), run.strict] : []),
    text({ name: '--image', value: 'image', group, help: `tools image with ${names} in it` }),
    text({
      ...{ name: '--image-pull-secret', value: 'name', group },
      help: "secret in the agent's namespace to pull it with",
    }),
    run.agentNamespace,
    run.reason,
    run.dryRun,
    run.output,
    run.verbose,
  ];
}

const allNamespaces = toggle({
  ...{ name: '--all-namespaces', short: '-A', group: choice },
  help: 'look in every namespace',
});
/** `--as` where there is no workload that could run as somebody. */
export const impersonate = text({ name: '--as', value: 'user', group: connection, help: 'impersonate this user' });

/** `--output` of the commands that are no fault, each with its own formats. */
export const outputs = {
  list: output(['wide', 'json', 'yaml', 'name'], 'wide, json, yaml, or name: the ids alone'),
  stop: output(['json', 'yaml', 'name'], 'json, yaml, or name: the ids alone'),
  attach: output(['json', 'yaml', 'ndjson'], 'json or yaml: one document at the end; ndjson: the events as they come'),
  sweep: output(['json', 'yaml'], 'json or yaml'),
};

function output<const Format extends string>(choices: readonly Format[], help: string): Flag<Format | undefined> {
  return oneOf({ name: '--output', short: '-o', value: 'format', group: choice, help, choices });
}

/** Flags of `ls`. */
export const listFlags: readonly Flag[] = [allNamespaces, outputs.list, impersonate];

/** Flags of `stop`. */
export const stopFlags: readonly Flag[] = [
  toggle({ name: '--all', group: choice, help: 'every experiment of the namespace' }),
  allNamespaces,
  outputs.stop,
  impersonate,
];

/** Flags of `sweep`. */
export const sweepFlags: readonly Flag[] = [
  toggle({ name: '--all-nodes', group: choice, help: 'every node of the cluster' }),
  toggle({
    ...{ name: '--yes', short: '-y', group: choice },
    help: 'remove what is found and not in use, without a question',
  }),
  toggle({
    ...{ name: '--all-namespaces', short: '-A', group: choice },
    help: 'look for leftover pods and ConfigMaps in every namespace',
  }),
  text({ name: '--image', value: 'image', group: choice, help: 'any that the nodes can run' }),
  text({
    ...{ name: '--image-pull-secret', value: 'name', group: choice },
    help: "secret in the agents' namespace to pull it with",
  }),
  outputs.sweep,
  impersonate,
];

/** Flags of `attach`. */
export const attachFlags: readonly Flag[] = [
  allNamespaces,
  outputs.attach,
  toggle({
    ...{ name: '--verbose', short: '-v', group: choice },
    help: 'show how the workload ended, and what was sent to the API server',
  }),
  impersonate,
];

/** kubectl takes a bare number as seconds here, and only here. */
export const requestTimeoutFlag = valued(
  {
    ...{ name: '--request-timeout', value: 'time', group: connection },
    help: 'give up a single request after this time; 0: never (default: 15s to connect, 65s for an answer)',
  },
  requestTimeout,
);

/** kubectl's flags that say which cluster, and who asks. */
export function connectionFlags(namespaceOf = 'the target'): Flag[] {
  const of = (name: string, value: string, help: string) => text({ name, value, group: connection, help });
  return [
    { ...of('--namespace', 'name', `namespace of ${namespaceOf}`), short: '-n' },
    of('--kubeconfig', 'file', 'kubeconfig file'),
    of('--context', 'name', 'context of the kubeconfig'),
    of('--cluster', 'name', 'cluster of the kubeconfig'),
    of('--user', 'name', 'user of the kubeconfig'),
    { ...of('--server', 'url', 'address of the API server'), short: '-s' },
    of('--token', 'token', 'bearer token'),
    of('--as-user', 'name', 'impersonate, also a user who is called root or target'),
    list({ name: '--as-group', value: 'name', group: connection, help: 'impersonate this group; repeatable' }),
    of('--as-uid', 'uid', 'impersonate this uid'),
    of('--certificate-authority', 'file', 'certificate of the authority'),
    of('--client-certificate', 'file', 'client certificate'),
    of('--client-key', 'file', 'client key'),
    of('--tls-server-name', 'name', "name to check the server's certificate against"),
    toggle({
      ...{ name: '--insecure-skip-tls-verify', group: connection },
      help: "do not check the server's certificate",
    }),
    requestTimeoutFlag,
  ];
}
