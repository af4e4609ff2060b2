import type { Prospects } from '../../ports.ts';
import { noTools } from '../common/no-tools.ts';
import type { FaultKind } from '../fault.ts';
import { command } from './command.ts';
import { describeWhich } from './describe.ts';
import { KillRun } from './observations.ts';
import { cautionsOf, planKill } from './plan.ts';
import { KillSetup } from './setup.ts';
import type { KillFault, KillRequest } from './types.ts';
import { judgeKill } from './verdict.ts';

/** The end of processes of a container, by a signal, or of its pod, by deletion; and what comes after. */
export const kill: FaultKind<KillRequest, KillFault, Prospects, KillRun> = {
  verb: 'kill',
  command,
  tools: noTools,

  survey: (_request, target, { cluster }) => cluster.prospects(target),
  plan: (request, target, prospects, { run }) => planKill(request, target, prospects, run),
  cautions: cautionsOf,
  place: ({ action }, { container, pod }) => (action.kind === 'signal' ? `in container ${container}` : `of pod ${pod}`),
  shimCommand: () => ({ command: 'hold', options: ['--target-may-end'], workload: [] }),
  asksShim: true,
  endsTarget: true,
  needsNoAgent: ({ action }) => action.kind === 'deletion',
  inject({ action }, target, cluster, isRehearsal) {
    return cluster.deleteTarget(target, action.kind === 'deletion' ? action.graceSeconds : undefined, isRehearsal);
  },
  // It is never detached.
  record: { write: ({ fault }) => ({ fault }), read: () => undefined },

  observations: (fault) => new KillRun(fault),
  setup: (run, go) => new KillSetup(run, go),
  attach() {
    throw new Error('a kill is never found in force: it is never detached');
  },

  // What has ended has ended: there is nothing to undo.
  outlivesShim: () => false,
  unconfirmed: () => 'no further signal is sent',
  actor: () => ({ name: 'the shim', program: 'the shim', complaint: () => undefined }),

  isMeasured: () => true,
  judge: (fault, target, _seen, own) => judgeKill(fault, target, own),

  where: ({ action }) => (action.kind === 'signal' ? [describeWhich(action.which)] : []),
  dryRun: ({ prospects: { keeper, restartPolicy, graceSeconds }, action }) => ({
    keeper,
    restartPolicy,
    ...(action.kind === 'deletion' ? { graceSeconds: action.graceSeconds ?? graceSeconds } : {}),
  }),
};
