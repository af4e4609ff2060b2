import type { VersionInfo } from '@kubernetes/client-node';
import type { ServerFacts } from '../../facts.ts';
import { resources } from '../request.ts';
import type { Rest } from '../rest.ts';

/** The server's version, and its clock, which an answer's Date has in whole seconds (RFC 9110, 6.6.1). */
export async function serverFacts(rest: Rest, now: () => Date): Promise<ServerFacts> {
  const asked = now();
  let answered = asked;
  let said: string | undefined;
  const { gitVersion, major, minor } = await rest.json<VersionInfo>(
    { verb: 'get', resource: resources.version },
    undefined,
    undefined,
    ({ date }) => {
      answered = now();
      said = date;
    },
  );
  const time = said === undefined ? Number.NaN : Date.parse(said);
  // Clouds write a minor version as `31+`.
  const number = major === '1' ? Number.parseInt(minor, 10) : Number.NaN;
  return {
    ...{ version: gitVersion, asked, answered },
    minor: Number.isNaN(number) ? undefined : number,
    ...(Number.isNaN(time) ? {} : { date: new Date(time) }),
  };
}
