import type { Upgrade } from '../../facts.ts';
import type { FaultKind } from '../../faults/fault.ts';
import { faultKinds } from '../../faults/registry.ts';
import { joinWords } from '../../text.ts';
import { type Finding, of } from './finding.ts';

/** Whether WebSockets pass whatever lies between here and the API server. Pure. */

const without = [
  `without them ${verbs(({ asksShim }) => asksShim !== true)} go on by the log of the agent, with an image that has their tools (--image), if they need any`,
  ...faultKinds.flatMap(({ verb, asksShim, needsNoAgent }) => {
    if (asksShim !== true) return [];
    return [needsNoAgent ? `${verb} only where it needs no agent` : `${verb} does not`];
  }),
].join('; ');

function verbs(isMeant: (kind: FaultKind) => boolean): string {
  return joinWords(faultKinds.filter(isMeant).map(({ verb }) => verb));
}

/** `watch`: of a watch by a WebSocket; `attach`: of an attach to a pod that is not there. */
export function judgeWay(watch: Upgrade, attach: Upgrade): Finding {
  const { ok, warning, problem, unknown } = of('websocket');
  const refused = [watch, attach].find((upgrade) => upgrade.state === 'refused');
  if (refused?.state === 'refused') {
    return problem(refused.message, `${refused.remedy === undefined ? '' : `${refused.remedy}; `}${without}`);
  }
  if (watch.state === 'answered') {
    return unknown(
      `whether they pass is not known: the API server answered ${watch.status} to a watch by a WebSocket: ${watch.message}`,
    );
  }
  if (watch.state === 'open' && watch.carries === false) {
    return warning(
      'they are opened, but nothing came through one within 3s',
      `a proxy before the API server may keep back what is sent: name the API server itself with --server; ${without}`,
    );
  }
  const seen = watch.state === 'open' && watch.carries ? 'a watch came through one' : 'a watch was opened by one';
  return ok(`they pass: ${seen}, and an attach reaches the API server`);
}
