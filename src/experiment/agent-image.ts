import type { AgentSpec, RunningImage, Target } from '../ports.ts';
import type { AgentOptions } from '../requests.ts';

/** What an agent pod runs on. */
type AgentImage = Pick<AgentSpec, 'image' | 'imageOf' | 'imagePullSecrets'>;
type Named = Pick<AgentOptions, 'image' | 'imagePullSecret'>;

/**
 * Whether the agent of a fault runs on the target's own image when none was named. An image that was not made for it has none of the tools that a fault
 * may need: they are in the one that this build was made for.
 */
function runsOnTargets(needsTools: boolean): boolean {
  return !needsTools;
}

/** The image of a fault's agent. The target's own is on its node, of its architecture, and admitted there; the shim needs nothing of it. Pure. */
export function faultImage(
  asked: Named,
  {
    target,
    needsTools,
    namespace,
    builtFor,
  }: { target: Target; needsTools: boolean; namespace: string; builtFor: string },
): AgentImage {
  const isOwn = asked.image === undefined && target.image !== undefined && runsOnTargets(needsTools);
  if (!isOwn) return named(asked, builtFor);
  const secrets = namespace === target.namespace ? (target.imagePullSecrets ?? []) : [];
  return { ...named(asked, target.image ?? ''), imageOf: "the target's own image", ...withSecrets(asked, secrets) };
}

/**
 * The image of an agent that sweeps a node: one that a container there runs on. At best it is used in the agent's namespace, which then has the secrets to
 * pull it with; next, one that needs no secrets; last, one of the cluster's own pods, whose registry other namespaces may not be allowed. Pure.
 */
export function sweepImage(
  asked: Named,
  { running, namespace, builtFor }: { running: readonly RunningImage[]; namespace: string; builtFor: string },
): AgentImage {
  const rank = (one: RunningImage): number =>
    one.namespace === namespace
      ? 0
      : /^(?:kube|openshift)-/.test(one.namespace)
        ? 3
        : one.imagePullSecrets.length > 0
          ? 2
          : 1;
  const [best] = running.toSorted((one, other) => rank(one) - rank(other));
  if (asked.image !== undefined || best === undefined) return named(asked, builtFor);
  const secrets = best.namespace === namespace ? best.imagePullSecrets : [];
  const imageOf = `the image of pod ${best.namespace}/${best.pod}`;
  return { ...named(asked, best.image), imageOf, ...withSecrets(asked, secrets) };
}

function named({ image, imagePullSecret }: Named, otherwise: string): AgentImage {
  return { image: image ?? otherwise, ...withSecrets({ imagePullSecret }, []) };
}

function withSecrets(
  { imagePullSecret }: Pick<Named, 'imagePullSecret'>,
  others: readonly string[],
): Pick<AgentImage, 'imagePullSecrets'> {
  return { imagePullSecrets: [...new Set([...(imagePullSecret === undefined ? [] : [imagePullSecret]), ...others])] };
}
