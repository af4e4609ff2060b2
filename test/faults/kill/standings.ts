import type { KillRequest, SignalAction } from '../../../src/faults/kill/types.ts';
import type { ContainerStanding, Standing } from '../../../src/ports.ts';
import type { Request, RunOptions } from '../../../src/requests.ts';
import { fakeContainer } from '../../fakes/process-shim.ts';
import { request } from '../../fakes/samples.ts';

/** A pod of three that are ready, behind a service. */
export function standing(change: Partial<Standing> = {}): Standing {
  return {
    pod: { isReady: true, isBeingDeleted: false, phase: 'Running' },
    container: containerStanding(),
    readyPods: 3,
    others: [
      { name: 'web-1', uid: 'uid-1', isReady: true },
      { name: 'web-2', uid: 'uid-2', isReady: true },
    ],
    services: [{ name: 'web', ready: 3 }],
    ...change,
  };
}

export function containerStanding(change: Partial<ContainerStanding> = {}): ContainerStanding {
  return { id: fakeContainer, restartCount: 0, state: 'running', isReady: true, ...change };
}

/** Its container has ended, and is not started yet. */
export function down(change: Partial<ContainerStanding> = {}): Standing {
  return standing({
    pod: { isReady: false, isBeingDeleted: false, phase: 'Running' },
    container: containerStanding({
      ...{ state: 'terminated', isReady: false, end: { exitCode: 143, signal: 0, reason: 'Error' } },
      ...change,
    }),
    readyPods: 2,
    services: [{ name: 'web', ready: 2 }],
  });
}

/** It has been started again, so many times, with this id. */
export function again(restartCount: number, id = `next-${restartCount}`): Standing {
  const end = { exitCode: 143, signal: 0, reason: 'Error' };
  return standing({ container: containerStanding({ id, restartCount, end }) });
}

export function killRequest(
  kill: Partial<Omit<KillRequest, 'action'>> = {},
  action: Partial<SignalAction> = {},
  run: Partial<RunOptions> = {},
): Request {
  const fault: KillRequest = {
    fault: 'kill',
    action: { kind: 'signal', signal: 15, which: { by: 'first' }, ...action },
    ...kill,
  };
  return { fault, run: { ...request().run, ...run } };
}

export function deletionRequest(
  kill: Partial<Omit<KillRequest, 'action'>> = {},
  graceSeconds?: number,
  run: Partial<RunOptions> = {},
): Request {
  const action = { kind: 'deletion' as const, ...(graceSeconds === undefined ? {} : { graceSeconds }) };
  const fault: KillRequest = { fault: 'kill', action, ...kill };
  return { fault, run: { ...request().run, ...run } };
}
