/** All names of one image that a node has. */
export type NodeImage = readonly string[];

/** @param nodes what `kubectl get nodes -o json` prints, parsed */
export function imagesOf(nodes: { items?: { status?: { images?: { names?: string[] | null }[] } }[] }): NodeImage[] {
  return (nodes.items ?? []).flatMap(({ status }) => (status?.images ?? []).map(({ names }) => names ?? []));
}

export interface ToolsImage {
  image: string;
  /** How it is made, where the nodes do not have it yet. */
  build?: readonly [string, ...string[]];
}

/**
 * The image that the agent runs: the one that the user has named, else ours, which is built with Docker and loaded onto the nodes unless they have it. Undefined: there is no way.
 * @param canLoad Docker, and the program that gets an image onto the nodes, are here
 */
export function toolsImage(facts: {
  named: string | undefined;
  version: string;
  images: readonly NodeImage[];
  canLoad: boolean;
}): ToolsImage | undefined {
  if (facts.named) return { image: facts.named };
  const image = `localhost/kubectl-chaos/tools:${facts.version}`;
  if (facts.images.some((names) => names.includes(image))) return { image };
  if (!facts.canLoad) return undefined;
  return { image, build: ['docker', 'build', '-t', image, '-f', 'native/Containerfile', 'native'] };
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
