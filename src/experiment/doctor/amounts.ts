/** CPUs as manifests have them: `500m`; whole and more in words: `3.9 cores`. */
export function cores(count: number): string {
  return count < 1 ? `${Math.round(count * 1_000)}m` : `${Math.round(count * 100) / 100} cores`;
}
