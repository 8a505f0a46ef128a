import type { PaymentFact } from '../../payment-event.ts';

/**
 * Standard Webhooks says how events are signed, not what they mean: each is
 * stored, and the project's own handlers read it.
 */
export function translateStandardWebhooks(): readonly PaymentFact[] {
  return [];
}
