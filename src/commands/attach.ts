import { Tidying } from '../experiment/tidying.ts';
import type { AttachRequest } from '../requests.ts';
import type { CommandPorts } from './ports.ts';
import { reporting } from './reporting.ts';
import { settle } from './tidying.ts';

/** `attach`: follows a detached experiment. Resolves to the exit code; rejects with ChaosError. */
export function attach(request: AttachRequest, ports: CommandPorts): Promise<number> {
  return reporting(request, ports, false, async (reporter) => {
    const startedAt = ports.clock.now();
    const cluster = await ports.connect(request.connection);
    const tidying = new Tidying(cluster, ports.clock, request.cleanup);
    try {
      const { attachExperiment } = await import('../experiment/attach.ts');
      return (await attachExperiment(request, { ...ports, cluster, reporter, startedAt, tidying })).exitCode;
    } finally {
      await settle(tidying, request.verbose, ports);
      cluster.close();
    }
  });
}
