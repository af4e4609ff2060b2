import { examine } from '../experiment/doctor/examine.ts';
import { protectedContextsVariable } from '../experiment/protection.ts';
import type { DoctorRequest } from '../requests.ts';
import { doctorDocument, doctorText } from '../terminal/doctor.ts';
import { requests } from '../terminal/words.ts';
import { confirmation } from './confirm.ts';
import type { CommandPorts } from './ports.ts';

/** `doctor`: says what would stop a run. Resolves to the exit code; rejects with ChaosError where not even the cluster is known. */
export async function doctor(request: DoctorRequest, ports: CommandPorts): Promise<number> {
  const examiner = await ports.examine(request.connection);
  const { output } = request;
  try {
    const confirm = confirmation(ports, output === 'human');
    const report = await examine(request, {
      ...{ examiner, build: ports, protectedContexts: ports.env[protectedContextsVariable] },
      ...{ clock: ports.clock, signals: ports.signals, who: ports.who, randomSuffix: ports.randomSuffix },
      ...(confirm ? { confirm } : {}),
    });
    ports.stdout.write(output === 'human' ? doctorText(report, ports.stdout.columns) : doctorDocument(report, output));
    if (request.verbose) ports.stderr.write(`note: ${requests(examiner.cluster.requests())}\n`);
    return report.exitCode;
  } finally {
    examiner.cluster.close();
  }
}
