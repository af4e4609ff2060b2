import type { RunEvent } from '../../src/experiment/events.ts';
import { Scenario } from '../experiment/scenario.ts';
import {
  detachedExperiment,
  ended,
  GiB,
  ioRequest,
  lastWords,
  MiB,
  netRequest,
  podNetwork,
  request,
  reverted,
} from '../fakes/samples.ts';
import { toolbox } from '../fakes/toolbox-shim.ts';

/** The events of real experiments on the fakes. */

/** Ten seconds of two busy CPUs, effective and reverted. */
export async function effectiveRun(): Promise<RunEvent[]> {
  const s = new Scenario(request({}, { durationMs: 10_000 }));
  await s.activate();
  s.cluster.attachment.stderr.push('stress-ng: info: dispatching hogs\n');
  await s.pass(10_000);
  await s.pass(100);
  await s.finish({ runMs: 10_000 });
  return s.reporter.events;
}

/** A busy CPU by tools that take ten seconds to be sent, and two to be ready. */
export async function sentRun(): Promise<RunEvent[]> {
  const s = new Scenario(request({}, { durationMs: 10_000 }));
  Object.assign(s.toolbox, { sent: toolbox(4_000_000), isSilent: true, isQuick: false });
  s.request.run.image = undefined;
  await s.launch();
  await s.attach();
  for (let offset = 0; offset <= 4_000_000; offset += 400_000) {
    s.cluster.attachment.say(s.toolbox.says({ offset }));
    await s.pass(1_000);
  }
  await s.pass(2_000);
  s.cluster.attachment.say(s.toolbox.says({ offset: 4_000_000, ready: true }));
  await s.pass(10_000);
  await s.finish({ runMs: 10_000 });
  return s.reporter.events;
}

/** The target is evicted, with a message made to harm a terminal, and the agent cannot be removed. */
export async function badRun(): Promise<RunEvent[]> {
  const s = new Scenario();
  s.cluster.removal = { left: ['pod/chaos-7f3k2-0'], why: 'the kubelet \u001b[31mdoes not answer' };
  await s.activate();
  await s.agent({ kind: 'warning', reason: 'Failed\u001b]0;owned\u0007', message: 'pull\u009b2J failed' });
  s.cluster.attachment.stderr.push('\u001b[2J\u001b[Hyou are \rowned\u0008\u0007\n');
  await s.pass(5_000);
  s.cluster.targetUpdates.push({ kind: 'evicted', message: 'node \u001b[?1049h was low' });
  await s.pass(1_000);
  return s.reporter.events;
}

/** Ten seconds of a delay to one peer, by a pod of three containers. */
export async function netRun(): Promise<RunEvent[]> {
  const s = new Scenario(netRequest({}, { durationMs: 10_000 }));
  s.cluster.network = podNetwork({ podContainers: ['app', 'proxy', 'mesh'] });
  await s.launch();
  await s.attach();
  s.net.roundTripUs = 100_900;
  for (let second = 0; second < 10; second++) {
    s.net.packets += 120;
    await s.pass(1_000);
  }
  await s.finish({ runMs: 10_000 });
  return s.reporter.events;
}

/** Ten seconds of a busy disk, at a path of a volume. */
export async function ioRun(): Promise<RunEvent[]> {
  const s = new Scenario(ioRequest({}, { durationMs: 10_000 }));
  await s.activate();
  s.io.writesPerSecond = 200 * MiB;
  s.io.found = { writeUs: 48_000, availableBytes: 7 * GiB, freeBytes: 7.5 * GiB };
  await s.pass(10_000);
  s.io.writesPerSecond = 0;
  s.io.found = {};
  await s.finish({ runMs: 10_000 });
  return s.reporter.events;
}

/** A minute of two busy CPUs, left in force. */
export async function detachedRun(): Promise<RunEvent[]> {
  const s = new Scenario(request({}, { detached: true, connection: { context: 'prod' } }));
  await s.activate();
  return s.reporter.events;
}

/** Ten seconds on a protected target, beside another experiment on its container, ended by an eviction on its node. */
export async function harmfulRun(): Promise<RunEvent[]> {
  const s = new Scenario(request({}, { durationMs: 10_000, yes: true }));
  s.cluster.context = undefined;
  const other = { ...detachedExperiment(s.clock.date()), id: 'chaos-abcde', fault: '3 busy CPUs\u001b[2J' };
  const protectedBy = ['annotation kubectl-chaos.io/protected=\u001b[2J on namespace shop'];
  s.cluster.around = { protectedBy, experiments: [other], nodeTroubles: [], unchecked: ['whether it rains'] };
  await s.activate();
  await s.pass(5_000);
  s.cluster.nodeUpdates.push({ kind: 'evicted', pod: 'bank/db-0', message: 'low on memory' });
  await s.pass(100);
  return s.reporter.events;
}

/** The same, watched from its tenth second on, to its end or, with `leave`, for five seconds. */
export async function watchedRun(leave = false): Promise<RunEvent[]> {
  const s = new Scenario();
  await s.attachTo();
  await s.pass(5_000);
  if (leave) {
    await s.interrupt();
    return s.reporter.events;
  }
  await s.pass(45_000);
  s.cores = 0.02;
  await s.finish();
  return s.reporter.events;
}

/** The same, over before anybody looked. */
export async function unwatchedRun(): Promise<RunEvent[]> {
  const s = new Scenario();
  await s.attachTo({ state: 'ended' });
  const message = lastWords(ended(), reverted());
  await s.status({ state: 'terminated', exitCode: 0, reason: 'Completed', message });
  return s.reporter.events;
}
