import type { Target } from '../../ports.ts';
import type { SurveyPorts } from '../fault.ts';
import type { IoRequest, IoSurroundings } from './types.ts';
import { volumeAt } from './volume.ts';

/** What the cluster knows of an io fault's path. Sends nothing. */
export async function surveyIo({ path }: IoRequest, target: Target, { cluster }: SurveyPorts): Promise<IoSurroundings> {
  const volumes = await cluster.volumes(target);
  return { volume: volumeAt(volumes, path), volumes };
}
