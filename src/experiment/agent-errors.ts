import { ChaosError, unchanged } from '../errors.ts';
import { whoElse } from '../faults/common/words.ts';
import { kindOf } from '../faults/registry.ts';
import type { Agent, AgentUpdate, ContainerStatus } from '../ports.ts';
import { parseTerminationMessage, type ShimError } from '../shim/protocol.ts';
import { joinWords } from '../text.ts';
import { isNoexec, noexecFailure, remedyOf } from './kubelet-refusals.ts';
import type { RunResult } from './observations.ts';
import type { Plan, RunPlan } from './plan.ts';

/** The part of a plan that an error of its agent is about; an agent without a fault, a sweep's, needs no tool in its image. */
type Starting = Pick<Plan, 'id' | 'agent'> & AgentNeeds;
type AgentNeeds = Partial<Pick<RunPlan, 'fault' | 'commands'>>;

/**
 * Reasons why a container waits that only the user can remove: the run ends at once instead of waiting for the
 * kubelet's slow retries.
 */
const permanentWaitReasons: Readonly<Record<string, 'image' | 'agent-failed'>> = {
  ErrImagePull: 'image',
  ImagePullBackOff: 'image',
  ErrImageNeverPull: 'image',
  InvalidImageName: 'image',
  ImageInspectError: 'image',
  RegistryUnavailable: 'image',
  CreateContainerConfigError: 'agent-failed',
  CreateContainerError: 'agent-failed',
  RunContainerError: 'agent-failed',
  CrashLoopBackOff: 'agent-failed',
};

/** Why the agent cannot come up, read from its pod's status; undefined while it still may. Pure. */
export function startupFailure(plan: Starting, container: string, update: AgentUpdate): ChaosError | undefined {
  if (update.kind === 'deleting' || update.kind === 'deleted') {
    return new ChaosError(
      'agent-failed',
      `the agent pod ${plan.agent.namespace}/${plan.agent.pod} was deleted by somebody else before the fault began`,
    );
  }
  if (update.kind !== 'status') return undefined;
  const status = update.containers[container];
  if (status?.state === 'waiting' && status.blockedBy !== undefined) {
    // One that waits may still begin; one that has ended never will, as the agent pod is not restarted.
    const isOver = update.phase === 'Failed' || Object.hasOwn(permanentWaitReasons, status.reason);
    return isOver ? blockedFailure(plan, status.blockedBy, status) : undefined;
  }
  if (status?.state === 'waiting') return waitingFailure(plan, status);
  if (status?.state === 'terminated') return terminatedFailure(plan, status);
  if (update.phase === 'Failed') {
    return new ChaosError(
      'agent-failed',
      `node ${plan.agent.node} refused the agent pod: ${sentence(update.reason, update.message)}`,
      { hint: remedyOf(update.reason, plan.agent), doctorLine: update.reason.startsWith('OutOf') ? 'room' : 'node' },
    );
  }
  return undefined;
}

function blockedFailure(
  plan: Starting,
  name: string,
  { reason, message }: { reason: string; message: string },
): ChaosError {
  return new ChaosError(
    'agent-failed',
    `the init container ${name}, which the agent pod did not ask for, fails on node ${plan.agent.node}: ${sentence(reason, message)}`,
  );
}

/** What was changed in the agent pod on its way into the cluster, in a sentence; undefined: nothing that matters. Pure. */
function changeSentence({ changes = [] }: Pick<Agent, 'changes'>): string | undefined {
  return changes.length === 0 ? undefined : `a webhook or policy changed the agent pod: ${joinWords(changes)}`;
}

/** A failure of the agent together with what was changed in its pod, which is the likeliest reason for it. Pure. */
export function withChanges(failure: ChaosError | undefined, agent: Pick<Agent, 'changes'>): ChaosError | undefined {
  const changed = changeSentence(agent);
  if (!failure || changed === undefined || !['agent-failed', 'image', 'shim'].includes(failure.code)) return failure;
  const { message, hint } = failure;
  // The shim works, and has found the reason in the target or its node.
  if (hint !== undefined && Object.values(hints).includes(hint)) return failure;
  const exemption =
    'Ask for an exemption for pods labelled app.kubernetes.io/managed-by=kubectl-chaos, or use --agent-namespace.';
  const isNamed = hint?.includes('--agent-namespace');
  return failure.but({
    message: `${message}; ${changed}`,
    hint: hint === undefined ? exemption : isNamed ? hint : `${hint} ${exemption}`,
  });
}

/** Adds what was changed in the agent pod to the problems of a shim that has not said how it ended: its pod was ended for it. */
export function addChanges(result: RunResult, agent: Pick<Agent, 'changes'>): void {
  const { problems, ended, leftRunning } = result;
  const changed = changeSentence(agent);
  if (changed !== undefined && problems.length > 0 && !ended && !leftRunning) problems.push(changed);
}

function waitingFailure(
  plan: Starting,
  status: Extract<ContainerStatus, { state: 'waiting' }>,
): ChaosError | undefined {
  const kind = Object.hasOwn(permanentWaitReasons, status.reason) ? permanentWaitReasons[status.reason] : undefined;
  if (kind === undefined) return undefined;
  const said = sentence(status.reason, status.message);
  if (kind === 'image') return imageFailure(plan, said);
  if (isNoexec(said)) return noexecFailure(plan.agent.node, said);
  return new ChaosError('agent-failed', `the agent container cannot start on node ${plan.agent.node}: ${said}`, {
    ...(plan.agent.imageOf === undefined ? {} : { hint: otherImage(plan) }),
  });
}

/** An image that is on the node: it has to be pulled all the same where AlwaysPullImages is on, and where the kubelet checks who may use it. */
function imageFailure(plan: Starting, said: string): ChaosError {
  const { node, image, imageOf } = plan.agent;
  if (imageOf === undefined) {
    return new ChaosError('image', `node ${node} cannot get the image ${image}: ${said}`, {
      hint: `Name an image that this node can pull with --image (any ${tools(plan)}), and its secret with --image-pull-secret.`,
    });
  }
  return new ChaosError(
    'image',
    `node ${node} has ${imageOf}, ${image}, but does not get it for the agent pod: ${said}`,
    {
      hint: `The cluster pulls images for each pod anew, or checks their pull secrets: name the secret in namespace ${plan.agent.namespace} with --image-pull-secret. Or name an image that this node can pull with --image (any ${tools(plan)}).`,
    },
  );
}

function otherImage(plan: Starting): string {
  return `Name an image that this node can pull with --image (any ${tools(plan)}).`;
}

/** The container ended before the fault was active: its termination message holds the shim's own words. */
function terminatedFailure(plan: Starting, status: Extract<ContainerStatus, { state: 'terminated' }>): ChaosError {
  const error = parseTerminationMessage(status.message).find((event) => event.event === 'error');
  if (error) return shimFailure(error, plan);
  const { architecture, imageOf, node } = plan.agent;
  const said = sentence(status.reason, status.message);
  if (status.whose === 'shim') return new ChaosError('agent-failed', `the shim ended before the fault began: ${said}`);
  if (isNoexec(said)) return noexecFailure(node, said);
  return new ChaosError(
    'agent-failed',
    `the agent container ended before the fault began, with exit code ${status.exitCode}: ${said}`,
    {
      hint:
        imageOf === undefined
          ? `If the image is your own (--image): the shim needs nothing of it, but the node must be able to run it (${architecture}).`
          : `It ran on ${imageOf}. ${otherImage(plan)}`,
    },
  );
}

const hints: Readonly<Record<string, string>> = {
  'no-container': 'It may have been restarted a moment ago: run the command again.',
  'target-gone': 'It may have been restarted a moment ago: run the command again.',
  path: 'Name another directory in the container: --path.',
  'cgroup-frozen': 'Unpause the container first.',
  confinement: 'Omit --strict to run without it; a warning then names what is missing.',
  credentials: 'It may have just started: run the command again.',
  kernel: "The shim needs Linux 5.3 or newer on the target's node.",
};

/** The shim's own words as an error of ours. */
export function shimFailure(error: ShimError, plan: AgentNeeds): ChaosError {
  const hint = hintFor(error.code, plan);
  // The code is for whoever has nothing else to go by.
  return new ChaosError('shim', hint === undefined ? `${error.message} (${error.code})` : error.message, {
    ...(hint === undefined ? {} : { hint }),
    state: error.state === 'unchanged' ? unchanged : error.state,
  });
}

/** The shim's own words where the fault may have begun: a problem of the run, and no error of the command. */
export function failedShim({ message, code }: Pick<ShimError, 'message' | 'code'>): string {
  return `the shim failed: ${message} (${code})`;
}

function hintFor(code: string, plan: AgentNeeds): string | undefined {
  if (code === 'exec') return `Name an image ${tools(plan)}: --image.`;
  if (code === 'foreign' && plan.commands) return whoElse(plan.commands);
  return Object.hasOwn(hints, code) ? hints[code] : undefined;
}

/** What the plan's fault needs of the image. */
function tools({ fault }: AgentNeeds): string {
  if (!fault) return 'will do';
  const { names, needed } = kindOf(fault).tools;
  return needed(fault) ? `with ${names(fault)} in it` : 'will do';
}

function sentence(reason: string, message: string): string {
  return [reason, message].filter(Boolean).join(': ') || 'no reason was given';
}
