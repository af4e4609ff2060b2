import type { ApiServer } from '../fakes/api-server.ts';

const verbs = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];

function resource(group: string, kind: string, shortName: string, plural = `${kind.toLowerCase()}s`): unknown {
  return {
    resource: plural,
    responseKind: { group, version: 'v1', kind },
    scope: 'Namespaced',
    singularResource: kind.toLowerCase(),
    verbs,
    shortNames: [shortName],
    categories: ['all'],
  };
}

function document(groups: Record<string, unknown[]>): string {
  return JSON.stringify({
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: Object.entries(groups).map(([name, resources]) => ({
      metadata: { name },
      versions: [{ version: 'v1', resources, freshness: 'Current' }],
    })),
  });
}

const core = document({
  '': [
    resource('', 'Pod', 'po'),
    resource('', 'Service', 'svc'),
    resource('', 'ReplicationController', 'rc'),
    resource('', 'ConfigMap', 'cm'),
  ],
});
const named = document({
  apps: [
    resource('apps', 'Deployment', 'deploy'),
    resource('apps', 'ReplicaSet', 'rs'),
    resource('apps', 'StatefulSet', 'sts'),
    resource('apps', 'DaemonSet', 'ds'),
  ],
  batch: [resource('batch', 'Job', ''), resource('batch', 'CronJob', 'cj')],
});

/** Answers what kubectl asks before everything else, which kinds there are, in the form that API servers from 1.30 on prefer. */
export function answerDiscovery(server: ApiServer): void {
  for (const [path, body] of [
    ['/api', core],
    ['/apis', named],
  ] as const) {
    server.on('GET', path, (_, response) => {
      response.writeHead(200, {
        'content-type': 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
      });
      response.end(body);
    });
  }
}
