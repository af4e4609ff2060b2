import { ExitCode } from '../errors.ts';
import { list, placeOf, stop } from '../experiment/experiments.ts';
import type { ManageRequest } from '../faults/request.ts';
import type { MainPorts } from '../main.ts';
import * as listing from '../terminal/experiments.ts';

/** `ls` and `stop`: looks at what the cluster shows, and ends it. Resolves to the exit code; rejects with ChaosError. */
export async function manage(request: ManageRequest, ports: MainPorts): Promise<number> {
  const cluster = await ports.connect(request.connection);
  const where = placeOf(request, cluster);
  const human = request.output === 'human' || request.output === 'wide';
  try {
    if (request.verb === 'ls') {
      const experiments = await list(request, cluster);
      const { found, unseen } = experiments;
      if (request.output === 'json') ports.stdout.write(listing.listDocument(experiments));
      else if (request.output === 'name') ports.stdout.write(listing.ids(found));
      else if (found.length > 0) {
        ports.stdout.write(listing.listing(found, ports.clock.date(), request.output === 'wide'));
      } else if (unseen.length === 0) ports.stderr.write(listing.noExperiments(where));
      noteUnseen(unseen, ports);
      return ExitCode.effective;
    }
    const { stopped, unseen } = await stop(
      request,
      cluster,
      ports.clock,
      ({ id }) => void (human && ports.stderr.write(`stopping ${id}\n`)),
      (one) => {
        if (human) ports.stdout.write(listing.stopped(one));
        else if (request.output === 'name') ports.stdout.write(`${one.experiment.id}\n`);
      },
    );
    if (request.output === 'json') ports.stdout.write(listing.stopDocument(stopped));
    else if (stopped.length === 0 && unseen.length === 0) ports.stderr.write(listing.noExperiments(where));
    noteUnseen(unseen, ports);
    return stopped.every(({ gone }) => gone) ? ExitCode.effective : ExitCode.notReverted;
  } finally {
    cluster.close();
  }
}

function noteUnseen(unseen: readonly string[], ports: MainPorts): void {
  for (const what of unseen) ports.stderr.write(`note: leftovers without a pod are not shown: ${what}\n`);
}
