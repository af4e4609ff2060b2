import { usageError } from '../errors.ts';
import { checkName, isObjectName, kindNames, notAnObjectName, serviceWords, targetKind } from '../flags/names.ts';
import { nearest } from '../flags/nearest.ts';
import { quote } from '../flags/values.ts';
import type { TargetQuery } from '../ports.ts';

/** TARGET as `POD`, `pod/NAME`, `deploy/NAME`, … Throws a usage error that names the argument. */
export function parseTarget(text: string, namespace: string | undefined, container: string | undefined): TargetQuery {
  const slash = text.indexOf('/');
  const kindText = slash < 0 ? 'pod' : text.slice(0, slash).toLowerCase();
  const name = text.slice(slash + 1);
  const kind = targetKind(kindText);
  if (kind === undefined) {
    const near = nearest(kindText, [...Object.keys(kindNames), ...serviceWords]);
    throw usageError(
      `TARGET ${quote(text)}: ${quote(kindText)} is not a supported kind${near ? `; did you mean ${near}/${name}?` : ''}`,
      'Kinds: pod, deployment, replicaset, statefulset, daemonset, job, cronjob, replicationcontroller, service.',
    );
  }
  if (!isObjectName(name)) {
    throw usageError(`TARGET ${quote(text)}: ${notAnObjectName(name)}`);
  }
  checkName('--namespace', namespace);
  checkName('--container', container);
  return { kind, name, namespace, container };
}

/** `pod web api` as `pod/web pod/api`, as kubectl takes it. */
export function joinKind(words: readonly string[]): readonly string[] {
  const [kind, ...names] = words;
  if (kind === undefined || names.length === 0 || !targetKind(kind.toLowerCase())) return words;
  return names.map((name) => `${kind}/${name}`);
}
