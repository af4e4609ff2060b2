import type { V1Pod } from '@kubernetes/client-node';
import { parseQuantity } from '../units.ts';

/** The flags that make the agent pod what a LimitRange asks for, by its refusal; empty: none that is certain. `pod`: what was refused. Pure. */
export function fittingFlags(said: string, pod: V1Pod | undefined): string {
  const requests = new Map<string, string>();
  const limits = new Map<string, string>();
  const put = (
    to: Map<string, string>,
    name: string,
    quantity: string,
    isMore: (one: number, than: number) => boolean,
  ) => {
    const before = to.get(name);
    const [now, then] = [parseQuantity(quantity) ?? 0, before === undefined ? undefined : parseQuantity(before)];
    if (then === undefined || isMore(now, then)) to.set(name, quantity);
  };
  for (const [, bound, name = '', quantity = ''] of said.matchAll(
    /(maximum|minimum) ([\w-]+) usage per (?:Container|Pod) is (\d\w*)/g,
  )) {
    if (bound === 'minimum') put(requests, name, quantity, (one, than) => one > than);
    else put(limits, name, quantity, (one, than) => one < than);
  }
  const asked = pod?.spec?.containers[0]?.resources?.limits ?? {};
  for (const [, name = '', ratio] of said.matchAll(
    /([\w-]+) max limit to request ratio per (?:Container|Pod) is (\d+(?:\.\d+)?)/g,
  )) {
    const limit = parseQuantity(limits.get(name) ?? asked[name] ?? '');
    if (limit === undefined || !(Number(ratio) >= 1)) continue;
    put(requests, name, atLeast(name, limit / Number(ratio)), (one, than) => one > than);
  }
  return [flag('--agent-requests', requests), flag('--agent-limits', limits)].filter(Boolean).join(' ');
}

/** Rounded up to what is written of that resource: thousandths of a CPU, MiB. */
function atLeast(name: string, amount: number): string {
  return name === 'cpu' ? `${Math.ceil(Number((amount * 1_000).toFixed(6)))}m` : `${Math.ceil(amount / 2 ** 20)}Mi`;
}

function flag(name: string, quantities: ReadonlyMap<string, string>): string {
  if (quantities.size === 0) return '';
  return `${name} ${[...quantities].map(([resource, quantity]) => `${resource}=${quantity}`).join(',')}`;
}
