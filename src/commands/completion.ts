import { ExitCode } from '../errors.ts';
import type { FoundName } from '../ports.ts';
import type { CompletionRequest } from '../requests.ts';
import { completionText } from '../terminal/completion.ts';
import type { CommandPorts } from './ports.ts';

/** Of the two seconds that somebody waits for an answer to TAB, with what the start of the process takes of them. */
const limitMs = 1_500;

/** `__complete`: prints what the shell offers, which is less when the cluster does not answer in time or at all. Never rejects. */
export async function complete(request: CompletionRequest, ports: CommandPorts): Promise<number> {
  ports.stdout.write(completionText(request, await foundInTime(request, ports)));
  return ExitCode.effective;
}

async function foundInTime({ names }: CompletionRequest, ports: CommandPorts): Promise<readonly FoundName[]> {
  if (!names) return [];
  const giveUp = new AbortController();
  let cancel = (): void => undefined;
  const late = new Promise<[]>((resolve) => {
    cancel = ports.clock.after(limitMs, () => {
      giveUp.abort();
      resolve([]);
    });
  });
  const { query, connection } = names;
  try {
    return await Promise.race([ports.findNames(query, connection, giveUp.signal).catch(() => []), late]);
  } finally {
    cancel();
  }
}
