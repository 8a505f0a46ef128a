import type { PaymentFact } from '../../payment-event.ts';

/** Settings say how events are signed, not what they mean: each is stored, and the project's own handlers read it. */
export function translateGenericHmac(): readonly PaymentFact[] {
  return [];
}
