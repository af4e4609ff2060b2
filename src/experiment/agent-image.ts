import { ChaosError } from '../errors.ts';
import type { AgentSpec, RunningImage, SelectedTarget } from '../ports.ts';
import type { AgentOptions } from '../requests.ts';

/** What an agent pod runs on: an image that is named, else one that is on its node, admitted there and of its architecture. The shim needs nothing of it. */

type AgentImage = Pick<AgentSpec, 'image' | 'imageOf' | 'imagePullSecrets'>;
type Named = Pick<AgentOptions, 'image' | 'imagePullSecret'>;

/** The image of a fault's agent: the target's own. Pure. */
export function faultImage(
  asked: Named,
  target: Pick<SelectedTarget, 'namespace' | 'image' | 'imagePullSecrets'>,
  namespace: string,
): AgentImage {
  if (asked.image !== undefined) return { image: asked.image, ...withSecrets(asked) };
  const secrets = namespace === target.namespace ? (target.imagePullSecrets ?? []) : [];
  return { image: target.image, imageOf: "the target's own image", ...withSecrets(asked, secrets) };
}

/**
 * The image of an agent that sweeps a node: one that a container there runs on. At best it is used in the agent's namespace, which then has the secrets to
 * pull it with; next, one that needs no secrets; last, one of the cluster's own pods, whose registry other namespaces may not be allowed. Pure.
 * @throws ChaosError image where none is named and none was found.
 */
export function sweepImage(
  asked: Named,
  { running, namespace, node }: { running: readonly RunningImage[]; namespace: string; node: string },
): AgentImage {
  if (asked.image !== undefined) return { image: asked.image, ...withSecrets(asked) };
  const rank = (one: RunningImage): number =>
    one.namespace === namespace
      ? 0
      : /^(?:kube|openshift)-/.test(one.namespace)
        ? 3
        : one.imagePullSecrets.length > 0
          ? 2
          : 1;
  const [best] = running.toSorted((one, other) => rank(one) - rank(other));
  if (best === undefined) throw noImage(node);
  const secrets = best.namespace === namespace ? best.imagePullSecrets : [];
  return {
    image: best.image,
    imageOf: `the image of pod ${best.namespace}/${best.pod}`,
    ...withSecrets(asked, secrets),
  };
}

function noImage(node: string): ChaosError {
  return new ChaosError('image', `no image for the agent: no running container is to be seen on node ${node}`, {
    hint: 'Name an image that this node can pull with --image (any will do), or ask for the right to list pods.',
  });
}

function withSecrets(
  { imagePullSecret }: Pick<Named, 'imagePullSecret'>,
  others: readonly string[] = [],
): Pick<AgentImage, 'imagePullSecrets'> {
  return { imagePullSecrets: [...new Set([...(imagePullSecret === undefined ? [] : [imagePullSecret]), ...others])] };
}
