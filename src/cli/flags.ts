import type { FaultCommand } from '../faults/fault.ts';
import { type Flag, type FlagValues, list, type Nameable, oneOf, text, time, toggle, valued } from '../flags/flag.ts';
import { groups } from '../flags/groups.ts';
import type { FaultRequest } from '../requests.ts';
import { agentFlags } from './agent-flags.ts';
import { requestTimeout } from './request-timeout.ts';
import { selectionFlags } from './selection.ts';

const { run: group, choice, connection } = groups;

/** What kubectl still takes with a warning: Go's booleans, and the value that it gives to a bare `--dry-run` (kubectl 1.36, GetDryRunStrategy). */
const oldDryRuns = {
  unchanged: 'client',
  ...each(['1', 't', 'T', 'true', 'True', 'TRUE'], 'client'),
  ...each(['0', 'f', 'F', 'false', 'False', 'FALSE'], 'none'),
} as const;

function each<Value>(words: readonly string[], value: Value): Record<string, Value> {
  return Object.fromEntries(words.map((word) => [word, value]));
}

/** What is said of an old spelling of `--dry-run`; none: it was not one. */
export function dryRunNotes(flags: FlagValues): string[] {
  const { dryRun: given } = flags;
  if (typeof given !== 'string' || !Object.hasOwn(oldDryRuns, given)) return [];
  return [`--dry-run=${given} is an old spelling: use --dry-run=${run.dryRun.read(flags)}`];
}

/** Flags of every fault whose value is read; what is said of some depends on the fault. */
export const run = {
  duration: time({
    ...{ name: '--duration', value: 'time', group },
    help: 'how long the fault lasts, at most {max} (default: {default})',
    ...{ default: '60s', min: 1_000, max: 24 * 3_600_000 },
  }),
  grace: time({
    ...{ name: '--grace', value: 'time', group, isRare: true },
    help: 'time between SIGTERM and SIGKILL when stopping the workload, at most {max} (default: {default})',
    ...{ default: '2s', min: 0, max: 600_000 },
  }),
  // A beat goes out every 3 s: a shorter lease would end on a single late packet.
  lease: time({
    ...{ name: '--lease', value: 'time', group, isRare: true },
    help: 'revert automatically after this long without contact with this command (default: {default})',
    ...{ default: '15s', min: 5_000, max: 3_600_000 },
  }),
  detach: toggle({
    ...{ name: '--detach', group },
    help: 'return once the fault is active; it ends after --duration or by "stop"',
  }),
  noAttach: toggle({
    ...{ name: '--no-attach', group, isRare: true },
    help: 'do not attach to the agent: read its log, and stop it by deleting its pod; not possible for a fault that asks it questions',
  }),
  runAs: oneOf({
    ...{ name: '--run-as', value: 'who', group, isRare: true },
    help: "who the workload is: {choices}; root is uid 0, limited to the target's capability bounding set (default: {default})",
    ...{ default: 'target', choices: ['target', 'root'] },
  }),
  strict: toggle({
    ...{ name: '--strict', group, isRare: true },
    help: "refuse to run if the target's seccomp filter or security label cannot be applied to the workload",
  }),
  reason: text({ name: '--reason', value: 'text', group, isRare: true, help: 'reason to record on the agent pod' }),
  yes: toggle({
    ...{ name: '--yes', short: '-y', group, isRare: true, isNeverHinted: true },
    help: 'run without asking on a protected target: a pod or namespace annotated kubectl-chaos.io/protected, or a context in $KUBECTL_CHAOS_PROTECTED',
  }),
  dryRun: oneOf({
    ...{ name: '--dry-run', value: 'mode', group, bare: 'client', default: 'none' },
    help: 'only show the plan; mode: client (default), server or none',
    choices: ['none', 'client', 'server'],
    oldSpellings: oldDryRuns,
  }),
  output: oneOf({
    ...{ name: '--output', short: '-o', value: 'format', group },
    help: 'json or yaml (one document), ndjson (events), experiment (a file)',
    choices: ['json', 'yaml', 'ndjson', 'experiment'],
  }),
  verbose: {
    ...verbose(group, 'show requests to the API server, what the shim finds, and what the workload prints'),
    isRare: true as const,
  },
};

/** kubectl's `-v`, whose level makes no difference here. */
function verbose(under: string, help: string): Flag<boolean> {
  return toggle({ name: '--verbose', short: '-v', alias: '--v', level: true, group: under, help });
}

export const noCleanup = toggle({
  ...{ name: '--no-cleanup', group: choice },
  help: 'do not remove what killed commands have left and nobody needs',
});

export const verboseRequests = verbose(choice, 'show requests to the API server');

/** How to run a fault. One that starts no workload in the target has nothing to say of one. */
export function runFlags({
  container,
  workload,
  neverDetached,
}: Pick<FaultCommand<FaultRequest>, 'container' | 'workload' | 'neverDetached'>): Flag[] {
  const help = container ?? "container of the pod (default: the pod's default container, else the first)";
  return [
    ...selectionFlags,
    text({ name: '--container', short: '-c', value: 'name', group, help, names: 'container' }),
    run.duration,
    ...(workload ? [run.grace] : []),
    run.lease,
    neverDetached ? { ...run.detach, isHidden: true } : run.detach,
    run.noAttach,
    ...(workload ? [run.runAs, run.strict] : []),
    run.reason,
    run.yes,
    run.dryRun,
    { ...noCleanup, group, isRare: true },
    run.output,
    run.verbose,
    ...agentFlags,
  ];
}

const allNamespaces = toggle({
  ...{ name: '--all-namespaces', short: '-A', group: choice },
  help: 'select experiments in all namespaces',
});

/** `--output` of the commands that are no fault, each with its own formats. */
export const outputs = {
  list: output(
    ['wide', 'json', 'yaml', 'ndjson', 'name'],
    'output format: wide, json, yaml, ndjson (with --watch) or name (ids only)',
  ),
  stop: output(['json', 'yaml', 'name'], 'output format: json, yaml or name (ids only)'),
  attach: output(
    ['json', 'yaml', 'ndjson'],
    'output format: json or yaml (one document at the end), or ndjson (one event per line)',
  ),
  sweep: output(['json', 'yaml'], 'output format: json or yaml'),
  doctor: output(['json', 'yaml'], 'output format: json or yaml'),
  version: output(['json', 'yaml'], 'output format: json or yaml'),
  rbac: output(['yaml', 'json'], 'output format: yaml (default) or json'),
};

function output<const Format extends string>(choices: readonly Format[], help: string): Flag<Format | undefined> {
  return oneOf({ name: '--output', short: '-o', value: 'format', group: choice, help, choices });
}

/** Flags of `ls`. */
export const listFlags: readonly Flag[] = [
  allNamespaces,
  toggle({
    ...{ name: '--watch', short: '-w', group: choice },
    help: 'go on, and show each experiment that begins, changes or ends (Ctrl-C ends this)',
  }),
  noCleanup,
  outputs.list,
  verboseRequests,
];

/** Flags of `stop`. */
export const stopFlags: readonly Flag[] = [
  toggle({ name: '--all', group: choice, isNeverHinted: true, help: 'stop every experiment in the namespace' }),
  allNamespaces,
  noCleanup,
  outputs.stop,
  verboseRequests,
];

/** Flags of `sweep`. */
export const sweepFlags: readonly Flag[] = [
  toggle({ name: '--all-nodes', group: choice, isNeverHinted: true, help: 'sweep every node of the cluster' }),
  toggle({
    ...{ name: '--yes', short: '-y', group: choice, isNeverHinted: true },
    help: 'remove leftovers that are not in use, without asking',
  }),
  toggle({
    ...{ name: '--all-namespaces', short: '-A', group: choice },
    help: 'look for leftover pods and ConfigMaps in all namespaces',
  }),
  noCleanup,
  outputs.sweep,
  verboseRequests,
  ...agentFlags,
];

/** Flags of `attach`. */
export const attachFlags: readonly Flag[] = [
  allNamespaces,
  noCleanup,
  outputs.attach,
  verbose(choice, 'show requests to the API server and how the workload ended'),
];

/** Flags of `version`. kubectl's `--client` says what is always so here. */
export const versionFlags: readonly Flag[] = [
  outputs.version,
  toggle({ name: '--client', group: choice, help: '', isHidden: true }),
];

/** kubectl takes a bare number as seconds here, and only here. */
export const requestTimeoutFlag = valued(
  {
    ...{ name: '--request-timeout', value: 'time', group: connection },
    help: 'time limit of a single request; 0: no limit (default: 15s to connect, 65s to answer)',
  },
  requestTimeout,
);

const ofImpersonation = { group: connection, isNeverHinted: true } as const;

/** Who asks, if not the user of the kubeconfig. */
const impersonation: readonly Flag[] = [
  text({ name: '--as', value: 'user', ...ofImpersonation, help: 'impersonate this user' }),
  list({ name: '--as-group', value: 'name', ...ofImpersonation, help: 'impersonate this group; repeatable' }),
  text({ name: '--as-uid', value: 'uid', ...ofImpersonation, help: 'impersonate this uid' }),
];

/** kubectl's flags that an alias for kubectl may carry and that change nothing here: taken, and not read. */
const ignored: readonly Flag[] = [
  ...['--disable-compression', '--match-server-version', '--warnings-as-errors'].map((name) =>
    toggle({ name, group: connection, help: '', isHidden: true }),
  ),
  ...['--cache-dir', '--log-flush-frequency', '--profile', '--profile-output', '--vmodule'].map((name) =>
    text({ name, value: 'value', group: connection, help: '', isHidden: true }),
  ),
];

/** Refused where they are read: API servers have no basic authentication since Kubernetes 1.19. */
const basicAuthentication: readonly Flag[] = ['--username', '--password'].map((name) =>
  text({ name, value: 'value', group: connection, help: '', isHidden: true }),
);

/** kubectl's flags that say which cluster, and who asks. */
export function connectionFlags(namespaceOf = 'the target'): Flag[] {
  const of = (name: string, value: string, help: string, names?: Nameable) =>
    text({ name, value, group: connection, help, ...(names ? { names } : {}) });
  return [
    { ...of('--namespace', 'name', `namespace of ${namespaceOf}`, 'namespace'), short: '-n' },
    of('--kubeconfig', 'file', 'kubeconfig file', 'file'),
    of('--context', 'name', 'context in the kubeconfig file', 'context'),
    of('--cluster', 'name', 'cluster in the kubeconfig file', 'cluster'),
    of('--user', 'name', 'user in the kubeconfig file', 'user'),
    { ...of('--server', 'url', 'address of the API server'), short: '-s' },
    of('--token', 'token', 'bearer token'),
    ...impersonation,
    of('--certificate-authority', 'file', 'certificate file of the certificate authority', 'file'),
    of('--client-certificate', 'file', 'client certificate file', 'file'),
    of('--client-key', 'file', 'client key file', 'file'),
    of('--tls-server-name', 'name', "server name to check the server's certificate against"),
    toggle({
      ...{ name: '--insecure-skip-tls-verify', group: connection, isNeverHinted: true },
      help: "do not check the server's certificate",
    }),
    requestTimeoutFlag,
    ...ignored,
    ...basicAuthentication,
  ];
}
