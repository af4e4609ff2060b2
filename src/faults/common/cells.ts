import type { Target } from '../../ports.ts';

/** What stands in the cells of a fault's rows. */

/** Where there is nothing to say. */
export const dash = '-';

export function milliseconds(us: number): string {
  if (us < 995) return `${(us / 1_000).toFixed(2)} ms`;
  return us < 9_950 ? `${(us / 1_000).toFixed(1)} ms` : `${Math.round(us / 1_000)} ms`;
}

/** `1,204`. */
export function count(value: number): string {
  return String(value).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

export function targetName(target: Target): string {
  return `pod/${target.pod} (${target.container})`;
}

/** Of the time in which somebody waited for a resource. */
export function pressure(share: number | undefined): string | undefined {
  return share === undefined ? undefined : `${percent(share)} of the time`;
}

/** A share, 0 … 1. */
export function percent(share: number | undefined): string {
  return share === undefined ? dash : `${Math.round(share * 100)} %`;
}
