import { expect } from 'vitest';
import type { Verification } from '../../verification.ts';

/** Whatever is refused is refused with a reason for people, which does not repeat the secret. */
export function withReason(verification: Verification, secret: string): Verification {
  if (verification.kind === 'verified') return verification;
  expect(verification.reason).toMatch(/\w+ \w+/);
  expect(verification.reason).not.toContain(secret);
  return verification;
}
