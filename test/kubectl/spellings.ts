import type { Row } from './rows.ts';

/** One spelling on both command lines. `object`: which object is asked for is compared; `accepted`: whether the line is understood. */
interface Spelling extends Omit<Row, 'kubectl'> {
  judge: readonly string[];
  ours: readonly string[];
  compare: 'object' | 'accepted';
  /** What kubectl says to it. */
  accepted: boolean;
}

const config = JSON.stringify({
  'current-context': 'a',
  clusters: [{ name: 'a', cluster: { server: '$server', 'certificate-authority-data': '$ca' } }],
  users: [{ name: 'a', user: { token: 'secret' } }],
  contexts: [{ name: 'a', context: { cluster: 'a', user: 'a', namespace: 'shop' } }],
});

function flag(text: string, accepted: boolean, differs?: string): Spelling {
  const words = text.split(' ');
  return {
    what: `flag ${text}`,
    ...{ config, accepted, compare: 'accepted' },
    ...{ judge: ['get', 'pods', ...words], ours: ['ls', ...words] },
    ...(differs ? { differs } : {}),
  };
}

function target(text: string, accepted: boolean, differs?: string): Spelling {
  const words = text.split(' ');
  return {
    what: `target ${text}`,
    ...{ config, accepted, compare: 'object' },
    ...{ judge: ['get', ...words], ours: ['stress', ...words, '--cpu', '1', '--dry-run'] },
    ...(differs ? { differs } : {}),
  };
}

function dryRun(text: string, accepted: boolean, differs?: string): Spelling {
  return {
    what: text,
    ...{ config, accepted, compare: 'accepted' },
    ...{ judge: ['run', 'web', '--image=x', text], ours: ['stress', 'web', '--cpu', '1', text] },
    ...(differs ? { differs } : {}),
  };
}

export const spellings: readonly Spelling[] = [
  ...['0', '300', '5m30.5s'].map((value) => flag(`--request-timeout=${value}`, true)),
  ...['abc', '1d'].map((value) => flag(`--request-timeout=${value}`, false)),
  ...['-v=6', '-v 6', '-v6'].map((text) => flag(text, true)),
  flag('-v', false, 'kubectl needs a level; ours shows the same with any, and so needs none'),
  ...['-nx', '-n=x', '--all-namespaces=true'].map((text) => flag(text, true)),
  ...['--cache-dir=/nowhere/at/all', '--warnings-as-errors', '--match-server-version=false'].map((text) =>
    flag(text, true),
  ),
  ...['--nonsense', '-n', '--as-user=jane'].map((text) => flag(text, false)),
  ...['pods/web', 'po/web', 'pod web', 'Pod/web'].map((text) => target(text, true)),
  ...['deploy/x', 'sts/x', 'ds/x', 'rs/x', 'rc/x', 'cronjobs/x'].map((text) => target(text, true)),
  ...['svc/x', 'deployment.apps/x', 'deployments.v1.apps/x', 'deploy x'].map((text) => target(text, true)),
  ...['nonsense/x', 'pod/', 'deployment.batch/x'].map((text) => target(text, false)),
  ...['', '=client', '=server', '=none', '=true', '=unchanged'].map((mode) => dryRun(`--dry-run${mode}`, true)),
  ...['=nonsense', '='].map((mode) => dryRun(`--dry-run${mode}`, false)),
];
