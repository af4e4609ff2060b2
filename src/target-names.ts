import type { ContainerName } from './ports.ts';

/** What a pod's annotation calls its targets: `NAMESPACE/POD/CONTAINER,…`. Of something else there, as of a sweep's `node/NAME`, none. */
export function targetsNamed(text: string | undefined): ContainerName[] {
  return (text?.split(',') ?? []).flatMap((one) => {
    const [namespace, pod, container, ...more] = one.split('/');
    if (!namespace || !pod || !container || more.length > 0) return [];
    return { namespace, pod, container };
  });
}
