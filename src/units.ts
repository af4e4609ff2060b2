/**
 * Durations as Go writes them, sizes as Kubernetes quantities, percentages. Values in, values out: who asks names the
 * flag in its own error.
 */

const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * Go's duration (`1h30m`, `90s`, `1.5m`, `.5s`, `250ms`) in whole milliseconds. Undefined for anything else, a number
 * without a unit, a sign, `ns` and `us` included: nothing here is that short.
 */
export function parseDuration(text: string): number | undefined {
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ms|h|m|s))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, value, unit] of text.matchAll(/([\d.]+)(ms|h|m|s)/g)) {
    total += Number(value) * (durationUnits[unit ?? ''] ?? Number.NaN);
  }
  return Number.isFinite(total) ? Math.round(total) : undefined;
}

/** Milliseconds as Go writes them, without zero parts, from a second on to the tenth: `1h30m`, `1.5s`, `250ms`. */
export function formatDuration(ms: number): string {
  if (Math.round(ms) < 1_000) return `${Math.round(ms)}ms`;
  // Rounded before it is split, or 119.96 s would read `1m60s`.
  const tenths = Math.round(ms / 100);
  const hours = Math.floor(tenths / 36_000);
  const minutes = Math.floor((tenths % 36_000) / 600);
  const seconds = (tenths % 600) / 10;
  return `${hours ? `${hours}h` : ''}${minutes ? `${minutes}m` : ''}${seconds ? `${seconds}s` : ''}`;
}

const quantitySuffixes: Readonly<Record<string, number>> = {
  '': 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/**
 * A Kubernetes quantity (`512Mi`, `1G`, `500m`, `1e9`) as a number of its base unit (bytes, cores). Undefined for what
 * Kubernetes refuses too (`512MB`, `1 Gi`), and for negative ones.
 * https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */
export function parseQuantity(text: string): number | undefined {
  const match = /^\+?(\d+(?:\.\d*)?|\.\d+)(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$/.exec(text);
  if (!match) return undefined;
  const [, digits, exponent, suffix] = match;
  const value = exponent
    ? Number(`${digits}${exponent}`)
    : Number(digits) * (quantitySuffixes[suffix ?? ''] ?? Number.NaN);
  return Number.isFinite(value) ? value : undefined;
}

/** Bytes as Kubernetes and this plugin's flags write them, exactly: `1Gi`, `1536Mi`, `1500k`, `4097`. Whole, ≥ 0. */
export function formatQuantity(bytes: number): string {
  const units = ['Pi', 'P', 'Ti', 'T', 'Gi', 'G', 'Mi', 'M', 'Ki', 'k'];
  const unit = bytes === 0 ? undefined : units.find((name) => bytes % (quantitySuffixes[name] ?? 1) === 0);
  return unit === undefined ? String(bytes) : `${bytes / (quantitySuffixes[unit] ?? 1)}${unit}`;
}

/** `80%` or `0.5%` as a number of percent, 0 included. Undefined for anything else; the caller checks the range. */
export function parsePercent(text: string): number | undefined {
  return /^\d+(?:\.\d+)?%$/.test(text) ? Number(text.slice(0, -1)) : undefined;
}
