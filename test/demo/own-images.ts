/** All names of one image that a node has. */
export type NodeImage = readonly string[];

/** @param nodes what `kubectl get nodes -o json` prints, parsed */
export function imagesOf(nodes: { items?: { status?: { images?: { names?: string[] | null }[] } }[] }): NodeImage[] {
  return (nodes.items ?? []).flatMap(({ status }) => (status?.images ?? []).map(({ names }) => names ?? []));
}

/** The image of the sandboxes' own container, which every node has under some name; it has one program and no shell. */
export function pauseImage(images: readonly NodeImage[]): string {
  const names = images.flat().filter((name) => /\/(mirrored-)?pause:[^@]+$/.test(name));
  return names[0] ?? 'registry.k8s.io/pause:3.10';
}

export function targetManifest(image: string): object {
  const resources = { requests: { cpu: '10m', memory: '16Mi' }, limits: { cpu: '500m', memory: '128Mi' } };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', labels: { app: 'web' } },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [{ name: 'app', image, imagePullPolicy: 'IfNotPresent', resources }],
    },
  };
}
