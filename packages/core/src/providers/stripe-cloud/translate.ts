import type { PaymentFact } from '../../payment-event.ts';
import { translateStripe } from '../stripe/translate.ts';

/** What Stripe's own copy of the event says, whatever came through the cloud. */
export function translateStripeCloudAnswer(_event: Buffer, answer: Buffer): readonly PaymentFact[] {
  return translateStripe(answer);
}
