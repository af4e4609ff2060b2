import { describe, expect, it } from 'vitest';
import { localClusters, placeOf } from './local-cluster.ts';

/** As `kubectl config view -o json` prints it. */
function view(current: string, ...entries: readonly (readonly [context: string, server: string, cluster?: object])[]) {
  return {
    'current-context': current,
    contexts: entries.map(([name]) => ({ name, context: { cluster: name, user: name } })),
    clusters: entries.map(([name, server, more]) => ({ name, cluster: { server, ...more } })),
  };
}

const names = (config: unknown) => localClusters(config).map(({ context }) => context);

describe('a local cluster is told by its name and its address', () => {
  it.each([
    ['kind-dev', 'https://127.0.0.1:38211', 'kind'],
    ['kind-kind', 'https://[::1]:38211', 'kind'],
    ['k3d-demo', 'https://0.0.0.0:41559', 'k3d'],
    ['k3d-demo', 'https://localhost:6550', 'k3d'],
    ['minikube', 'https://192.168.49.2:8443', 'minikube'],
    ['minikube', 'https://127.0.0.1:60121', 'minikube'],
  ])('%s at %s', (context, server, maker) => {
    expect(localClusters(view('', [context, server]))).toEqual([{ context, maker }]);
  });

  it.each([
    ['a name that nobody gives', 'prod', 'https://127.0.0.1:6443', {}],
    ['a name that only begins so', 'kindly', 'https://127.0.0.1:6443', {}],
    ['nothing after the prefix', 'kind-', 'https://127.0.0.1:6443', {}],
    ['another profile of minikube', 'minikube-prod', 'https://192.168.49.2:8443', {}],
    ['an address in the world', 'kind-dev', 'https://203.0.113.7:6443', {}],
    ['an address in a private network', 'kind-dev', 'https://10.0.0.7:6443', {}],
    ['an address of the world for minikube', 'minikube', 'https://198.51.100.7:8443', {}],
    ['a host name', 'kind-dev', 'https://kind.example.org:6443', {}],
    ['a host name that begins as an address', 'kind-dev', 'https://127.0.0.1.example.org:6443', {}],
    ['no address', 'kind-dev', 'nonsense', {}],
    ['a proxy on the way', 'kind-dev', 'https://127.0.0.1:6443', { 'proxy-url': 'http://proxy.example.org' }],
  ])('not by %s', (_, context, server, more) => {
    expect(names(view(context, [context, server, more]))).toEqual([]);
  });

  it('not when a context of that name leads to another cluster', () => {
    const renamed = {
      contexts: [{ name: 'kind-dev', context: { cluster: 'prod', user: 'prod' } }],
      clusters: [
        { name: 'prod', cluster: { server: 'https://127.0.0.1:6443' } },
        { name: 'kind-dev', cluster: { server: 'https://127.0.0.1:6443' } },
      ],
    };
    expect(names(renamed)).toEqual([]);
  });

  it('the current context comes first', () => {
    const config = view(
      'k3d-b',
      ['kind-a', 'https://127.0.0.1:1'],
      ['k3d-b', 'https://0.0.0.0:2'],
      ['prod', 'https://x'],
    );
    expect(names(config)).toEqual(['k3d-b', 'kind-a']);
  });

  it.each([undefined, null, 'text', {}, { contexts: null }, { contexts: [null, {}, { name: 'kind-a' }] }])(
    'a kubeconfig without any: %j',
    (config) => {
      expect(localClusters(config)).toEqual([]);
    },
  );
});

it.each([
  ['https://127.8.9.1:6443', 'machine'],
  ['https://172.16.0.1', 'private'],
  ['https://172.31.255.1', 'private'],
  ['https://172.32.0.1', 'anywhere'],
  ['https://192.168.0.1', 'private'],
  ['https://192.169.0.1', 'anywhere'],
  ['https://10.1.2.3', 'private'],
  ['https://[fd00::1]', 'anywhere'],
  ['https://[::ffff:203.0.113.7]', 'anywhere'],
])('%s is in place: %s', (server, place) => {
  expect(placeOf(server)).toBe(place);
});
