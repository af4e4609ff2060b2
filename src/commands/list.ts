import { ExitCode } from '../errors.ts';
import * as experiments from '../experiment/experiments.ts';
import { Tidying } from '../experiment/tidying.ts';
import type { ManageRequest } from '../requests.ts';
import * as text from '../terminal/experiments.ts';
import { requests } from '../terminal/words.ts';
import type { CommandPorts } from './ports.ts';
import { settle } from './tidying.ts';

/** `ls`: shows what the cluster shows, and what it removes of that once more. Resolves to the exit code; rejects with ChaosError. */
export async function list(request: ManageRequest, ports: CommandPorts): Promise<number> {
  const cluster = await ports.connect(request.connection);
  try {
    const shown = await experiments.list(request, cluster);
    const tidying = new Tidying(cluster, ports.clock, request.cleanup);
    void tidying.remove(shown.found);
    const { found, unseen } = shown;
    const { output } = request;
    if (output === 'json' || output === 'yaml') ports.stdout.write(text.listDocument(shown, output));
    else if (output === 'name') ports.stdout.write(text.ids(found));
    else if (found.length > 0) {
      ports.stdout.write(text.listing(found, ports.clock.date(), output === 'wide'));
    } else if (unseen.length === 0)
      ports.stderr.write(text.noExperiments(experiments.emptyPlaceOf(request, cluster, shown)));
    for (const note of text.unseenNotes(shown)) ports.stderr.write(`${note}\n`);
    await settle(tidying, request.verbose, ports);
    if (request.verbose) ports.stderr.write(`note: ${requests(cluster.requests())}\n`);
    return ExitCode.effective;
  } finally {
    cluster.close();
  }
}
