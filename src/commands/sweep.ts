import { type SweepReport, sweep as sweepNodes } from '../experiment/sweep.ts';
import { Tidying } from '../experiment/tidying.ts';
import type { SweepRequest } from '../requests.ts';
import { sweepDocument, sweepQuestion, sweepText } from '../terminal/sweep.ts';
import { requests } from '../terminal/words.ts';
import { confirmation } from './confirm.ts';
import type { CommandPorts } from './ports.ts';
import { settle } from './tidying.ts';

/** `sweep`: looks, asks, removes, and tells. Resolves to the exit code; rejects with ChaosError. */
export async function sweep(request: SweepRequest, ports: CommandPorts): Promise<number> {
  const cluster = await ports.connect(request.connection);
  const { output } = request;
  const confirm = confirmation(ports, output === 'human');
  const confirmRemoval = async (report: SweepReport, count: number): Promise<boolean> => {
    ports.stdout.write(sweepText(report));
    return (await confirm?.(sweepQuestion(count))) === true;
  };
  const tidying = new Tidying(cluster, ports.clock, request.cleanup);
  try {
    const report = await sweepNodes(request, {
      ...ports,
      cluster,
      tidying,
      confirm: confirm && confirmRemoval,
    });
    ports.stdout.write(output === 'human' ? sweepText(report) : sweepDocument(report, output));
    await settle(tidying, request.verbose, ports);
    if (request.verbose) ports.stderr.write(`note: ${requests(cluster.requests())}\n`);
    return report.exitCode;
  } finally {
    cluster.close();
  }
}
