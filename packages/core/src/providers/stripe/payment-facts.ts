import { stripeMinorUnits } from '../../money.ts';
import type { FactOf, PaymentReference, PaymentStatus } from '../../payment-event.ts';
import { shortText } from '../event-body.ts';
import type { StripeCharge, StripePaymentIntent } from './objects.ts';

/** What a payment intent says once an event names its status. */
export function paymentIntentFact(
  intent: StripePaymentIntent,
  said: { readonly status: PaymentStatus | undefined; readonly occurredAtMs: number },
): FactOf<'payment'> {
  const received = intent.amount_received ?? 0;
  const failure = said.status === 'failed' ? intent.last_payment_error : undefined;
  return {
    kind: 'payment',
    occurredAtMs: said.occurredAtMs,
    references: stripeReferences({ paymentIntent: intent.id, charge: intent.latest_charge }),
    status: said.status,
    amount: stripeMinorUnits(intent.amount, intent.currency),
    currency: intent.currency,
    captured: received > 0 ? capturedTotal(received, intent.currency) : undefined,
    // The charge's own event names the same `code` as its failure_code; decline_code is finer but only here.
    failureCode: shortText(failure?.code ?? failure?.decline_code),
  };
}

/** Captured unless less was received than asked for. */
export function succeededStatus(intent: StripePaymentIntent): PaymentStatus {
  return intent.amount_received !== null &&
    intent.amount_received !== undefined &&
    intent.amount_received < intent.amount
    ? 'partially_captured'
    : 'captured';
}

/** Between the captures of a multicapture payment there are again funds to capture. */
export function capturableStatus(intent: StripePaymentIntent): PaymentStatus | undefined {
  if ((intent.amount_received ?? 0) > 0) return succeededStatus(intent);
  return intent.amount_capturable === 0 ? undefined : 'authorized';
}

/** Stripe gives up by itself (`automatic`, `expired`), or someone does. */
export function canceledStatus(intent: StripePaymentIntent): PaymentStatus {
  return intent.cancellation_reason === 'automatic' || intent.cancellation_reason === 'expired'
    ? 'expired'
    : 'canceled';
}

/** What a charge says once an event names its status: also what of it was captured and refunded so far. */
export function chargeFact(
  charge: StripeCharge,
  said: { readonly status: PaymentStatus | undefined; readonly occurredAtMs: number },
): FactOf<'payment'> {
  const captured = capturedOf(charge);
  return {
    kind: 'payment',
    occurredAtMs: said.occurredAtMs,
    references: stripeReferences({ paymentIntent: charge.payment_intent, charge: charge.id }),
    status: said.status,
    amount: stripeMinorUnits(charge.amount, charge.currency),
    currency: charge.currency,
    captured: captured > 0 ? capturedTotal(captured, charge.currency) : undefined,
    refundedTotal: refundedTotalOf(charge),
    failureCode: said.status === 'failed' ? shortText(charge.failure_code) : undefined,
  };
}

/** Where a charge stands by itself; undefined where its money was released uncaptured, which other events tell. */
export function chargeStatus(charge: StripeCharge): PaymentStatus | undefined {
  if (charge.status === 'failed') return 'failed';
  if (charge.status === 'pending') return 'pending';
  if (charge.captured === true) return capturedOf(charge) < charge.amount ? 'partially_captured' : 'captured';
  return charge.refunded === true ? undefined : 'authorized';
}

/** Both names where both are known, so that facts about either find each other. */
export function stripeReferences(ids: {
  readonly paymentIntent: string | null | undefined;
  readonly charge: string | null | undefined;
}): PaymentReference[] {
  const references: PaymentReference[] = [];
  if (ids.paymentIntent !== null && ids.paymentIntent !== undefined)
    references.push(`payment_intent:${ids.paymentIntent}`);
  if (ids.charge !== null && ids.charge !== undefined) references.push(`charge:${ids.charge}`);
  return references;
}

/** `captured` is already true on pending bank debits: only a succeeded charge has money. */
export function capturedOf(charge: StripeCharge): number {
  if (charge.captured !== true || (charge.status ?? 'succeeded') !== 'succeeded') return 0;
  return charge.amount_captured ?? charge.amount;
}

/**
 * amount_refunded also counts what was released rather than paid back: capturing
 * 203 of 206 makes it 3, and releasing an uncaptured charge makes it the whole.
 */
function refundedTotalOf(charge: StripeCharge): number | undefined {
  if (charge.amount_refunded === null || charge.amount_refunded === undefined) return undefined;
  const released = charge.amount - Math.min(capturedOf(charge), charge.amount);
  return stripeMinorUnits(Math.max(charge.amount_refunded - released, 0), charge.currency);
}

/** Stripe's sums are of the whole payment, whichever object says them: one key. */
function capturedTotal(amount: number, currency: string): { key: string; amount: number } {
  return { key: 'total', amount: stripeMinorUnits(amount, currency) };
}
