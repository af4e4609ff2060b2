import type { IoRequest, IoSurroundings } from '../faults/io/types.ts';
import { volumeAt } from '../faults/io/volume.ts';
import type { Cluster, Target } from '../ports.ts';

/** What the cluster knows of an io fault's path. Sends nothing. */
export async function surveyIo({ path }: IoRequest, target: Target, cluster: Cluster): Promise<IoSurroundings> {
  const volumes = await cluster.volumes(target);
  return { volume: volumeAt(volumes, path), volumes };
}
