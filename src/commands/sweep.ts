import { type SweepReport, sweep } from '../experiment/sweep.ts';
import type { SweepRequest } from '../faults/request.ts';
import type { MainPorts } from '../main.ts';
import { sweepDocument, sweepQuestion, sweepText } from '../terminal/sweep.ts';

/** `sweep`: looks, asks, removes, and tells. Resolves to the exit code; rejects with ChaosError. */
export async function sweepNodes(request: SweepRequest, ports: MainPorts): Promise<number> {
  const cluster = await ports.connect(request.connection);
  const isHuman = request.output === 'human';
  const { ask } = ports;
  const confirm = async (report: SweepReport, count: number): Promise<boolean> => {
    ports.stdout.write(sweepText(report));
    return /^y(?:es)?$/i.test((await ask?.(sweepQuestion(count)))?.trim() ?? '');
  };
  try {
    const report = await sweep(request, {
      ...ports,
      cluster,
      confirm: isHuman && ask && ports.stdout.isTTY ? confirm : undefined,
    });
    ports.stdout.write(isHuman ? sweepText(report) : sweepDocument(report));
    return report.exitCode;
  } finally {
    cluster.close();
  }
}
