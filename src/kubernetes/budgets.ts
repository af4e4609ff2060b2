import type { V1PodDisruptionBudget } from '@kubernetes/client-node';
import { isStatus } from './api-error.ts';
import { isEmpty, matches } from './label-match.ts';
import { type Resource, resources } from './request.ts';
import type { Rest } from './rest.ts';

/** The disruption budgets of a namespace, from every version of the API those whose selector can select something. */
export async function listBudgets(rest: Rest, namespace: string): Promise<V1PodDisruptionBudget[]> {
  const list = async (resource: Resource) =>
    (await rest.json<{ items: V1PodDisruptionBudget[] }>({ verb: 'list', resource, namespace })).items;
  try {
    return await list(resources.poddisruptionbudgets);
  } catch (error) {
    if (!isStatus(error, 404)) throw error;
  }
  // In policy/v1beta1 an empty selector selects nothing, in policy/v1 everything.
  const items = await list(resources.poddisruptionbudgetsBeta);
  return items.filter(({ spec }) => spec?.selector && !isEmpty(spec.selector));
}

/** Whether the budget is for a pod with these labels. Pure. */
export function isFor({ spec }: V1PodDisruptionBudget, labels: Readonly<Record<string, string>> = {}): boolean {
  return spec?.selector !== undefined && matches(spec.selector, labels);
}
