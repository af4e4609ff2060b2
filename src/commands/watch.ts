import { ExitCode } from '../errors.ts';
import * as experiments from '../experiment/experiments.ts';
import { signalExitCodes } from '../experiment/interrupt.ts';
import type { ManageRequest } from '../requests.ts';
import { WatchedList } from '../terminal/watched-list.ts';
import type { CommandPorts } from './ports.ts';

/** `ls --watch`: shows what there is and what becomes of it, until a signal. Resolves to the exit code; rejects with ChaosError. */
export async function watch(request: ManageRequest, ports: CommandPorts): Promise<number> {
  const { stdout, stderr, clock } = ports;
  const cluster = await ports.connect(request.connection);
  const stop = new AbortController();
  let code: number = ExitCode.effective;
  const unlisten = ports.signals.listen((signal) => {
    code = signalExitCodes[signal];
    stop.abort();
  });
  try {
    const list = new WatchedList(request.output, (shown) => experiments.emptyPlaceOf(request, cluster, shown));
    for await (const update of experiments.follow(request, cluster, stop.signal)) {
      if (stdout.isGone) break;
      const { out, err } = list.text(update, clock.date());
      stdout.write(out);
      stderr.write(err);
    }
    return code;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    return code;
  } finally {
    unlisten();
    stop.abort();
    cluster.close();
  }
}
