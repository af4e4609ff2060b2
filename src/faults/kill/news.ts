import { formatElapsed } from '../../text.ts';
import type { FaultEvent } from '../fault.ts';
import type { News } from './aftermath.ts';
import { describeEnd } from './signals.ts';

/** What has become known, as it is told. Pure. */
export function tell(news: News, container: string): FaultEvent {
  return { kind: 'happened', message: sentence(news, container), document: { ...documentOf(news) } };
}

function sentence(news: News, container: string): string {
  switch (news.kind) {
    case 'ended':
      return `container ${container} ended: ${describeEnd(news.end)}${news.end.reason === '' ? '' : `, ${news.end.reason}`}`;
    case 'back-off':
      return `container ${container} is not started yet: ${news.message}`;
    case 'replaced':
      return `pod/${news.pod} has come`;
    case 'gone':
      return 'the pod is gone';
    case 'ready':
      return `ready again after ${formatElapsed(news.readyMs)}`;
  }
}

function documentOf({ kind, ...rest }: News): { kind: string; [key: string]: unknown } {
  return { kind: `kill-${kind}`, ...rest };
}
