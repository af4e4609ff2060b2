import { Document, isCollection, isMap, isSeq } from 'yaml';
import { bindingName, type Role, type Roles } from '../experiment/roles.ts';
import type { RbacSubject } from '../requests.ts';
import type { Right } from '../rights.ts';

/** What `rbac` prints: objects for `kubectl apply`, so that their fields are the API server's. Pure. */

const group = 'rbac.authorization.k8s.io';
const apiVersion = `${group}/v1`;

const preamble = ` What whoever runs kubectl chaos must be allowed to do: "kubectl chaos rbac" prints it.
 The tool has no service account: it uses your own rights. To create privileged pods is to be root on the nodes:
 --agent-namespace NAME gives that right in one namespace alone, -n NAME all that is possible.`;

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}

type Manifest = Record<string, unknown>;

function kindOf({ namespace }: Role): 'Role' | 'ClusterRole' {
  return namespace === undefined ? 'ClusterRole' : 'Role';
}

function roleObject(role: Role): Manifest & { rules: Rule[] } {
  const { name, namespace, rules } = role;
  return {
    ...{ apiVersion, kind: kindOf(role), metadata: { name, ...(namespace === undefined ? {} : { namespace }) } },
    rules: rules.map((rule) => ({
      ...{ apiGroups: [rule.group], resources: [...rule.resources], verbs: [...rule.verbs] },
    })),
  };
}

function bindingObject(role: Role, subject: RbacSubject): Manifest {
  const { name, namespace } = role;
  const { kind, name: who, namespace: ofAccount } = subject;
  const ofGroup = kind === 'ServiceAccount' ? {} : { apiGroup: group };
  return {
    ...{ apiVersion, kind: `${kindOf(role)}Binding` },
    metadata: { name: bindingName(role, subject), ...(namespace === undefined ? {} : { namespace }) },
    roleRef: { apiGroup: group, kind: kindOf(role), name },
    subjects: [{ kind, ...ofGroup, name: who, ...(ofAccount === undefined ? {} : { namespace: ofAccount }) }],
  };
}

/** One list, which `kubectl apply` takes as it takes its items. */
export function rolesJson({ roles, subject }: Roles): string {
  const items = roles.flatMap((role) => [roleObject(role), ...(subject ? [bindingObject(role, subject)] : [])]);
  return `${JSON.stringify({ apiVersion: 'v1', kind: 'List', items }, undefined, 2)}\n`;
}

/** A document for each object, each rule with its reason. */
export function rolesYaml({ roles, subject }: Roles): string {
  const documents = roles.flatMap((role) => [
    roleDocument(role),
    ...(subject ? [new Document(bindingObject(role, subject))] : []),
  ]);
  const texts = documents.map((document) => document.toString({ lineWidth: 0, flowCollectionPadding: false }));
  return `${preamble.replace(/^/gm, '#')}\n${texts.join('---\n')}`;
}

function roleDocument(role: Role): Document {
  const document = new Document(roleObject(role));
  const list = document.get('rules');
  let before: string | undefined;
  for (const [index, item] of (isSeq(list) ? list.items : []).entries()) {
    const rule = role.rules[index];
    if (!isMap(item) || !rule) continue;
    item.flow = true;
    const why = reason(rule);
    if (why !== before) item.commentBefore = ` ${why}`;
    before = why;
  }
  const metadata = document.get('metadata');
  if (isCollection(metadata)) metadata.flow = true;
  return document;
}

function reason({ why, otherwise }: Right): string {
  return otherwise === undefined ? why : `optional: ${why}; else ${otherwise}`;
}
