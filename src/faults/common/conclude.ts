import type { Conclusion, Proof } from '../fault.ts';

/** The verdict that these make. */
export function conclude(proofs: Proof[]): Conclusion {
  const effective = proofs.length > 0 && proofs.every((proof) => proof.effective);
  const unmeasured = !effective && proofs.length > 0 && proofs.every((proof) => proof.effective || proof.unmeasured);
  return { effective, ...(unmeasured ? { unmeasured } : {}), proofs };
}
