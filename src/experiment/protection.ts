import { ChaosError } from '../errors.ts';
import type { Target } from '../ports.ts';

/** The variable that lists contexts whose targets are all protected: names apart by commas, `*` for any characters. */
export const protectedContextsVariable = 'KUBECTL_CHAOS_PROTECTED';

/** Why the context protects its targets, for a sentence; undefined: it is not listed. Pure. */
export function contextProtection(context: string, listed: string | undefined): string | undefined {
  const patterns = (listed ?? '').split(',').map((pattern) => pattern.trim());
  const pattern = patterns.find((one) => one !== '' && matches(one, context));
  if (pattern === undefined) return undefined;
  const how = pattern === context ? '' : ` (as ${pattern})`;
  return `context ${context} is listed in ${protectedContextsVariable}${how}`;
}

function matches(pattern: string, name: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(name);
}

/** The refusal of a protected target. */
export function protectedError({ namespace, pod }: Target, reasons: readonly string[]): ChaosError {
  return new ChaosError('protected', `pod/${pod} in namespace ${namespace} is protected: ${reasons.join('; ')}`, {
    hint: 'To run the experiment all the same, add --yes.',
  });
}
