import { formatBytes } from '../../text.ts';

const units = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi'];
/** A difference is seen to a fifth of itself. */
const tellingShare = 0.2;
const mostDecimals = 6;

/** As `formatBytes`, with as many decimals as a difference of so many bytes needs to be seen: `208.9Gi` and `209Gi`, 100Mi apart. */
export function formatBytesApart(bytes: number, apart: number): string {
  const power = bytes < 1_024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const unit = 1_024 ** power;
  const decimals = Math.ceil(Math.log10(unit / (Math.abs(apart) * tellingShare)));
  const usual = bytes / unit < 1 ? 2 : bytes / unit < 10 ? 1 : 0;
  if (power === 0 || !(decimals > usual) || decimals > mostDecimals) return formatBytes(bytes);
  return `${Number((bytes / unit).toFixed(decimals))}${units[power]}`;
}
