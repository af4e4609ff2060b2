import { isIP } from 'node:net';
import { type Line, type SlowLine, startSlowLine } from '../../fakes/slow-line.ts';
import { kubectl } from './cluster.ts';

/** The API server at the end of a slow line, and the flags that lead there. */
export async function slowServer(line: Line): Promise<{ line: SlowLine; flags: string[] }> {
  const server = new URL(await kubectl('config', 'view', '--minify', '-o', 'jsonpath={.clusters[0].cluster.server}'));
  const slow = await startSlowLine(server.hostname, Number(server.port || 443), line);
  const name = isIP(server.hostname) ? [] : ['--tls-server-name', server.hostname];
  return { line: slow, flags: ['--server', `https://127.0.0.1:${slow.port}`, ...name] };
}
