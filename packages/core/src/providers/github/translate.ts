import type { PaymentFact } from '../../payment-event.ts';

/** GitHub's events say nothing about payments. */
export function translateGithub(): readonly PaymentFact[] {
  return [];
}
