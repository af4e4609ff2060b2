import { ExitCode } from '../errors.ts';
import * as experiments from '../experiment/experiments.ts';
import { Tidying } from '../experiment/tidying.ts';
import type { ManageRequest } from '../requests.ts';
import * as text from '../terminal/experiments.ts';
import { requests } from '../terminal/words.ts';
import type { CommandPorts } from './ports.ts';
import { settle } from './tidying.ts';

/** `stop`: ends what is there, and tells of each how that went. Resolves to the exit code; rejects with ChaosError. */
export async function stop(request: ManageRequest, ports: CommandPorts): Promise<number> {
  const cluster = await ports.connect(request.connection);
  const { output } = request;
  const isHuman = output === 'human';
  try {
    const { stopped, shown } = await experiments.stop(
      request,
      cluster,
      ports.clock,
      ({ id }) => void (isHuman && ports.stderr.write(`stopping ${id}\n`)),
      (one) => {
        if (isHuman) ports.stdout.write(text.stopped(one));
        else if (output === 'name') ports.stdout.write(`${one.experiment.id}\n`);
      },
    );
    if (output === 'json' || output === 'yaml') ports.stdout.write(text.stopDocument(stopped, output));
    else if (stopped.length === 0 && shown.unseen.length === 0) {
      ports.stderr.write(text.noExperiments(experiments.emptyPlaceOf(request, cluster, shown)));
    }
    for (const note of text.unseenNotes(shown)) ports.stderr.write(`${note}\n`);
    const tidying = new Tidying(cluster, ports.clock, request.cleanup);
    void tidying.remove(shown.found.filter(({ id }) => !stopped.some(({ experiment }) => experiment.id === id)));
    await settle(tidying, request.verbose, ports);
    if (request.verbose) ports.stderr.write(`note: ${requests(cluster.requests())}\n`);
    return stopped.every(({ gone }) => gone) ? ExitCode.effective : ExitCode.notReverted;
  } finally {
    cluster.close();
  }
}
