import type { Target } from '../../ports.ts';
import { formatPercent } from '../../text.ts';

/** What stands in the cells of a fault's rows. */

/** Where there is nothing to say. */
export const dash = '-';

export function targetName(target: Target): string {
  return `pod/${target.pod} (${target.container})`;
}

/** Of the time in which somebody waited for a resource. */
export function pressure(share: number | undefined): string | undefined {
  return share === undefined ? undefined : `${percent(share)} of the time`;
}

/** A share, 0 … 1. */
export function percent(share: number | undefined): string {
  return share === undefined ? dash : formatPercent(100 * share);
}
