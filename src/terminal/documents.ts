import * as v from 'valibot';
import { checks } from '../experiment/doctor/finding.ts';
import { apiVersion } from '../requests.ts';
import { activeSchema, endedSchema, resolvedSchema } from '../shim/protocol.ts';

/**
 * What the documents for programs hold, as README.md explains it: what is printed is tested against these, and
 * `schemas/` is generated from them.
 */

type Schema = v.GenericSchema;

/** What the shim says, as it stands in a document: keys in snake_case at every depth. */
function inSnakeCase(schema: Schema): Schema {
  const { entries, item, wrapped } = schema as Schema & {
    entries?: Record<string, Schema>;
    item?: Schema;
    wrapped?: Schema;
  };
  if (entries) return v.strictObject(snakeEntries(entries));
  if (item) return v.array(inSnakeCase(item));
  return wrapped ? v.exactOptional(inSnakeCase(wrapped)) : schema;
}

function snakeEntries(entries: Record<string, Schema>): Record<string, Schema> {
  return Object.fromEntries(
    Object.entries(entries).map(([name, schema]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      inSnakeCase(schema),
    ]),
  );
}

const versioned = { apiVersion: v.literal(apiVersion) };
const texts = v.array(v.string());
const optional = { text: v.exactOptional(v.string()), number: v.exactOptional(v.number()) };

/** Which target: the three together name it. */
const reference = v.strictObject({ namespace: v.string(), pod: v.string(), container: v.string() });
const chosenFrom = v.exactOptional(
  v.strictObject({ workload: v.string(), running_pods: v.number(), seed: optional.text }),
);
const target = v.strictObject({
  ...reference.entries,
  pod_uid: v.string(),
  container_id: v.string(),
  runtime: v.string(),
  node: v.string(),
  node_uid: optional.text,
  architecture: v.picklist(['amd64', 'arm64']),
  image: optional.text,
  image_pull_secrets: v.exactOptional(texts),
  chosen_from: chosenFrom,
  restart_count: v.number(),
  containers: v.number(),
  cpu_limit_cores: optional.number,
  memory_limit_bytes: optional.number,
  pod_memory_limit_bytes: optional.number,
  node_cores: optional.number,
  node_memory_bytes: optional.number,
  node_allocatable_cores: optional.number,
  node_allocatable_memory_bytes: optional.number,
  assumed: v.exactOptional(texts),
  attach_barred: optional.text,
});

/** Pods that are left out. */
const skipped = v.array(v.strictObject({ pod: v.string(), why: v.string() }));

/** What it means beyond the targets, if the pods that are hit stopped being ready. */
const impact = v.strictObject({
  pods: v.number(),
  containers: v.number(),
  nodes: v.number(),
  workloads: v.array(v.strictObject({ name: v.string(), hit: v.number(), ready: v.number(), ready_left: v.number() })),
  broken_budgets: v.array(v.strictObject({ name: v.string(), healthy_left: v.number(), needed: v.number() })),
  unknown: texts,
});

/** Absent: another command has selected the targets. */
const scope = {
  selection: v.exactOptional(v.strictObject({ seed: v.string(), skipped })),
  impact: v.exactOptional(impact),
};

const cluster = v.strictObject({ context: optional.text, server: v.string() });

const unmeasured = v.exactOptional(v.literal(true));
/** With fields of the fault's own. */
const verdict = v.looseObject({
  effective: v.boolean(),
  unmeasured,
  proofs: v.array(v.strictObject({ what: v.string(), effective: v.boolean(), sentence: v.string(), unmeasured })),
});

const requests = v.record(v.string(), v.number());

const outcome = v.strictObject({
  ...versioned,
  kind: v.literal('outcome'),
  id: v.string(),
  cluster,
  exit_code: v.number(),
  ...scope,
  targets: v.array(
    v.strictObject({
      target,
      fault: v.string(),
      effective: v.nullable(v.boolean()),
      verdict: v.exactOptional(verdict),
      watched_ms: optional.number,
      problems: texts,
      shared_with: v.exactOptional(texts),
      shared: optional.text,
      ended: v.exactOptional(inSnakeCase(endedSchema)),
      reverted: v.boolean(),
      reverted_by: v.exactOptional(v.picklist(['shim', 'guardian', 'container'])),
    }),
  ),
  left: texts,
  undo: v.string(),
  sweep: optional.text,
  times: v.strictObject({
    active_ms: optional.number,
    active_spread_ms: optional.number,
    revert_ms: optional.number,
    remove_ms: optional.number,
    total_ms: v.number(),
  }),
  requests,
});

const detached = v.strictObject({
  ...versioned,
  kind: v.literal('detached'),
  id: v.string(),
  cluster,
  exit_code: v.number(),
  ...scope,
  targets: v.array(v.strictObject({ target, fault: v.string() })),
  until: v.string(),
  left_ms: v.number(),
  attach: v.string(),
  list: v.string(),
  stop: v.string(),
  sweep: v.string(),
  undo: v.string(),
  times: v.strictObject({ active_ms: optional.number, total_ms: v.number() }),
  requests,
});

const plan = v.strictObject({
  ...versioned,
  kind: v.literal('plan'),
  id: v.string(),
  cluster: v.exactOptional(cluster),
  ...scope,
  /** With fields of the fault's own. */
  targets: v.array(
    v.looseObject({
      target: v.strictObject({
        ...reference.entries,
        node: v.string(),
        container_id: v.string(),
        chosen_from: chosenFrom,
      }),
      fault: v.string(),
    }),
  ),
  duration: v.string(),
  grace: v.string(),
  lease: v.string(),
  sent: v.exactOptional(v.strictObject({ tools: v.string(), bytes: v.number(), unpacked_bytes: v.number() })),
  commands: v.array(texts),
  note: optional.text,
  undo: v.string(),
  end_all: v.string(),
  /** As the API server takes them. */
  objects: v.array(v.looseObject({ kind: v.string() })),
});

const state = v.picklist(['starting', 'running', 'stopping', 'ended', 'leftover']);

const listed = {
  id: v.string(),
  namespace: v.string(),
  state,
  objects: texts,
  created_at: v.string(),
  ends_at: optional.text,
  grace_ms: v.number(),
  node: optional.text,
  verb: optional.text,
  fault: optional.text,
  targets: v.array(reference),
  who: optional.text,
  reason: optional.text,
};

const experiments = v.strictObject({
  ...versioned,
  kind: v.literal('experiments'),
  items: v.array(v.strictObject(listed)),
  unseen: texts,
});

const experiment = v.strictObject({ ...versioned, kind: v.literal('experiment'), ...listed, gone: v.boolean() });

const removal = { id: v.string(), namespace: v.string(), was_in_state: state, gone: v.boolean(), left: texts };

const stopped = v.strictObject({
  ...versioned,
  kind: v.literal('stopped'),
  items: v.array(
    v.strictObject({
      ...removal,
      targets: v.array(v.strictObject({ ...reference.entries, reverted: v.boolean(), why: optional.text })),
      undo: v.string(),
      why: optional.text,
    }),
  ),
});

const sums = { namespaces: v.number(), found: v.number(), in_use: v.number(), removed: v.number() };

const swept = v.strictObject({
  ...versioned,
  kind: v.literal('swept'),
  nodes: v.array(
    v.strictObject({
      node: v.string(),
      swept: v.exactOptional(v.strictObject({ ...sums, left: v.number(), unseen: v.number() })),
      residue: v.array(
        v.strictObject({
          netns: optional.number,
          pid: v.number(),
          cgroup: v.string(),
          what: v.picklist([
            'qdisc',
            'ingress',
            'link',
            'table',
            'process',
            'directory',
            'setting',
            'freeze',
            'stopped',
          ]),
          name: v.string(),
          device: optional.text,
          handle: optional.text,
          in_use: v.boolean(),
          removed: v.boolean(),
          pod: optional.text,
        }),
      ),
      problem: optional.text,
      kept: optional.text,
    }),
  ),
  objects: v.array(v.strictObject({ ...removal, why: optional.text, undo: optional.text })),
  unseen: texts,
  exit_code: v.number(),
});

const examined = v.strictObject({
  ...versioned,
  kind: v.literal('examined'),
  cluster,
  namespace: v.string(),
  agent_namespace: v.string(),
  target: v.exactOptional(reference),
  node: optional.text,
  findings: v.array(
    v.strictObject({
      check: v.picklist(checks),
      state: v.picklist(['ok', 'warning', 'problem', 'unknown']),
      finding: v.string(),
      remedy: optional.text,
    }),
  ),
  exit_code: v.number(),
});

const error = v.strictObject({
  ...versioned,
  kind: v.literal('error'),
  code: v.string(),
  message: v.string(),
  hint: optional.text,
  state: v.string(),
  exit_code: v.number(),
});

const version = v.strictObject({
  ...versioned,
  kind: v.literal('version'),
  version: v.string(),
  commit: v.string(),
  shims: v.array(v.strictObject({ architecture: v.picklist(['amd64', 'arm64']), sha256: optional.text })),
  node_version: v.string(),
});

const planned = { id: v.string(), targets: v.array(v.strictObject({ target: reference, fault: v.string() })) };
const { event: _event, ...active } = snakeEntries(activeSchema.entries);

/** What is told of an event besides `apiVersion` and `kind`, by kind. */
const events = {
  selecting: {
    selection: v.strictObject({
      /** As `deployment/web`; absent: pods with labels are selected. */
      targets: v.exactOptional(texts),
      selector: optional.text,
      take: v.union([
        v.picklist(['one', 'all']),
        v.strictObject({ count: v.number() }),
        v.strictObject({ percent: v.number() }),
      ]),
      seed: v.string(),
      container: optional.text,
      all_containers: v.boolean(),
      skip_unsuitable: v.boolean(),
      allow_system: v.boolean(),
    }),
    cluster,
    namespace: v.string(),
  },
  selected: { target },
  skipped: { skipped },
  impact: { impact },
  planned: { ...planned, undo: v.string(), end_all: v.string() },
  protected: { target: reference, reasons: texts },
  launching: { ...planned, undo: v.string(), end_all: v.string() },
  progress: { target: reference, message: v.string() },
  warning: { target: reference, message: v.string() },
  resolved: { target: reference, resolved: inSnakeCase(resolvedSchema) },
  active: { target: reference, active_ms: v.number(), ...active },
  injected: { target: reference, what: v.string(), active_ms: v.number() },
  watching: { id: v.string(), target: reference, fault: v.string(), ago_ms: v.number(), left_ms: v.number() },
  tools: {
    target: reference,
    tools: v.string(),
    sent_bytes: v.number(),
    bytes: v.number(),
    ready_ms: optional.number,
  },
  output: { target: reference, text: v.string() },
  stopping: { target: reference, why: v.string() },
  failed: { target: reference, why: v.string() },
  ended: { target: reference, ended: inSnakeCase(endedSchema) },
  reverted: {
    target: reference,
    revert_ms: v.number(),
    confirmed_by: v.picklist(['shim', 'guardian', 'container']),
  },
  removing: {},
  removed: { left: texts, why: v.string() },
};

const knownEvents = Object.entries(events).map(([kind, entries]) =>
  v.strictObject({ ...versioned, kind: v.literal(kind), ...(entries as Record<string, Schema>) }),
);

/** What a fault tells of itself: samples, and what it has found or will do. */
const faultEvent = v.looseObject({
  ...versioned,
  kind: v.pipe(v.string(), v.regex(/^(?:sample|[a-z]+-[a-z-]+)$/)),
  target: reference,
});

/** By name; a line of `-o ndjson` is an event, an outcome, a detached or an error. */
export const documents: Readonly<Record<string, Schema>> = {
  outcome,
  detached,
  plan,
  experiments,
  experiment,
  stopped,
  swept,
  examined,
  error,
  version,
  event: v.union([...knownEvents, faultEvent]),
};
