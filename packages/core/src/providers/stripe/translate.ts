import * as z from 'zod';
import { stripeMinorUnits } from '../../money.ts';
import type {
  DisputeFunds,
  DisputeStatus,
  FactOf,
  PaymentFact,
  PaymentStatus,
  PayoutStatus,
} from '../../payment-event.ts';
import { checkFacts, readBody, readPart, shortText } from '../event-body.ts';
import {
  chargeSchema,
  disputeSchema,
  paymentIntentSchema,
  payoutSchema,
  refundSchema,
  type StripeCharge,
  type StripeDispute,
  type StripePaymentIntent,
  type StripePayout,
  type StripeRefund,
} from './objects.ts';
import {
  canceledStatus,
  capturableStatus,
  capturedOf,
  chargeFact,
  chargeStatus,
  paymentIntentFact,
  stripeReferences,
  succeededStatus,
} from './payment-facts.ts';

/**
 * What a verified Stripe event says about payments, refunds, disputes and
 * payouts; an empty list for every other type and for v2 events, which carry
 * no object. An object is a snapshot of the moment the event was made, so
 * facts happen at `created`, in seconds.
 *
 * Throws PermanentError: `malformed_event` for a handled type whose object
 * contradicts Stripe's API reference, `malformed_amount` for an amount that
 * cannot be (see money.ts). The message names paths, never values.
 */
export function translateStripe(body: Buffer): readonly PaymentFact[] {
  const event = readBody(body, envelope);
  const translate = translations.get(event.type);
  if (translate === undefined || event.object === 'v2.core.event') return [];
  const { created, data } = readPart({ schema: snapshot, value: event, path: 'body' });
  return checkFacts(translate(data.object, created * 1000));
}

/**
 * What a thin event says with the object that it names, fetched: the type of a
 * thin event is that of the snapshot event with `v1.` before it. The object can
 * be newer than the event; whatever happened to it since has an event of its
 * own, later than this one's `created`, and so decides.
 */
export function translateStripeObject(event: Buffer, object: Buffer): readonly PaymentFact[] {
  const { type, created } = readBody(event, thinEnvelope);
  const translate = translations.get(type.replace(/^v1\./, ''));
  return translate === undefined ? [] : checkFacts(translate(readBody(object, z.unknown()), Date.parse(created)));
}

type Translate = (object: unknown, occurredAtMs: number) => readonly PaymentFact[];

const envelope = z.looseObject({ type: z.string(), object: z.unknown().optional() });
const thinEnvelope = z.object({ type: z.string(), created: z.iso.datetime({ offset: true }) });
const snapshot = z.object({ created: z.int().nonnegative(), data: z.object({ object: z.unknown() }) });

/**
 * Checkout sessions state nothing here: they name their payment intent, whose
 * own events say more, and price in the customer's currency, which can differ.
 */
const translations: ReadonlyMap<string, Translate> = new Map([
  ['payment_intent.created', paymentIntents(() => 'created')],
  ['payment_intent.requires_action', paymentIntents(() => 'requires_action')],
  ['payment_intent.processing', paymentIntents(() => 'pending')],
  ['payment_intent.partially_funded', paymentIntents(() => 'pending')],
  ['payment_intent.amount_capturable_updated', paymentIntents(capturableStatus)],
  ['payment_intent.succeeded', paymentIntents(succeededStatus)],
  ['payment_intent.payment_failed', paymentIntents(() => 'failed')],
  ['payment_intent.canceled', paymentIntents(canceledStatus)],
  ['charge.pending', charges(() => 'pending')],
  ['charge.succeeded', charges(chargeStatus)],
  ['charge.captured', charges(chargeStatus)],
  ['charge.failed', charges(() => 'failed')],
  ['charge.expired', charges(() => 'expired')],
  // Releasing an uncaptured charge is told as a refund too; that the payment ended is told by its other events.
  ['charge.refunded', charges((charge) => (charge.captured === true ? chargeStatus(charge) : undefined))],
  ['charge.updated', updatedCharge],
  ['refund.created', refunds],
  ['refund.updated', refunds],
  ['refund.failed', refunds],
  ['charge.refund.updated', refunds],
  ['charge.dispute.created', disputes({ saysStatus: true })],
  ['charge.dispute.updated', disputes({ saysStatus: true })],
  ['charge.dispute.closed', disputes({ saysStatus: true })],
  ['charge.dispute.funds_withdrawn', disputes({ saysStatus: false, funds: 'withdrawn' })],
  // The status too: this can be the only event of a loss overturned after closing.
  ['charge.dispute.funds_reinstated', disputes({ saysStatus: true, funds: 'reinstated' })],
  ['payout.created', payouts(() => 'pending')],
  ['payout.updated', payouts((payout) => payout.status)],
  ['payout.paid', payouts(() => 'paid')],
  ['payout.failed', payouts(() => 'failed')],
  ['payout.canceled', payouts(() => 'canceled')],
]);

function paymentIntents(statusOf: (intent: StripePaymentIntent) => PaymentStatus | undefined): Translate {
  return (object, occurredAtMs) => {
    const intent = readPart({ schema: paymentIntentSchema, value: object, path: 'data.object' });
    return [paymentIntentFact(intent, { status: statusOf(intent), occurredAtMs })];
  };
}

function charges(statusOf: (charge: StripeCharge) => PaymentStatus | undefined): Translate {
  return (object, occurredAtMs) => {
    const charge = readPart({ schema: chargeSchema, value: object, path: 'data.object' });
    return [chargeFact(charge, { status: statusOf(charge), occurredAtMs }), ...listedRefunds(charge, occurredAtMs)];
  };
}

/** A failed attempt can still be updated after another attempt captured: it says nothing new then. */
function updatedCharge(object: unknown, occurredAtMs: number): readonly PaymentFact[] {
  const charge = readPart({ schema: chargeSchema, value: object, path: 'data.object' });
  return charge.status === 'failed' ? [] : charges(chargeStatus)(object, occurredAtMs);
}

/**
 * Refunds listed inside a charge, by API versions that do. Where not all was
 * captured one of them is the release of the rest, and nothing says which.
 */
export function listedRefunds(charge: StripeCharge, occurredAtMs: number): readonly PaymentFact[] {
  if (capturedOf(charge) < charge.amount) return [];
  return (charge.refunds?.data ?? []).map((refund) =>
    refundFact(
      { ...refund, charge: charge.id, payment_intent: refund.payment_intent ?? charge.payment_intent },
      occurredAtMs,
    ),
  );
}

function refunds(object: unknown, occurredAtMs: number): readonly PaymentFact[] {
  return [refundFact(readPart({ schema: refundSchema, value: object, path: 'data.object' }), occurredAtMs)];
}

/** A refund whose status is null has not been decided. */
function refundFact(refund: StripeRefund, occurredAtMs: number): FactOf<'refund'> {
  return {
    kind: 'refund',
    occurredAtMs,
    id: refund.id,
    references: stripeReferences({ paymentIntent: refund.payment_intent, charge: refund.charge }),
    status: refund.status ?? 'pending',
    amount: stripeMinorUnits(refund.amount, refund.currency),
    currency: refund.currency,
    reason: shortText(refund.failure_reason ?? refund.reason),
  };
}

function disputes(said: { readonly saysStatus: boolean; readonly funds?: DisputeFunds }): Translate {
  return (object, occurredAtMs) => {
    const dispute = readPart({ schema: disputeSchema, value: object, path: 'data.object' });
    const fact: FactOf<'dispute'> = {
      kind: 'dispute',
      occurredAtMs,
      id: dispute.id,
      references: stripeReferences({ paymentIntent: dispute.payment_intent, charge: dispute.charge }),
      status: said.saysStatus ? disputeStatuses[dispute.status] : undefined,
      funds: said.funds,
      amount: stripeMinorUnits(dispute.amount, dispute.currency),
      currency: dispute.currency,
      reason: shortText(dispute.reason),
    };
    return [fact];
  };
}

function payouts(statusOf: (payout: StripePayout) => PayoutStatus): Translate {
  return (object, occurredAtMs) => {
    const payout = readPart({ schema: payoutSchema, value: object, path: 'data.object' });
    const fact: FactOf<'payout'> = {
      kind: 'payout',
      occurredAtMs,
      id: payout.id,
      status: statusOf(payout),
      // A debit of the bank account is no amount paid out, and facts have no sign.
      amount: payout.amount < 0 ? undefined : stripeMinorUnits(payout.amount, payout.currency),
      currency: payout.currency,
      failureCode: shortText(payout.failure_code),
    };
    return [fact];
  };
}

/** An inquiry that closed without becoming a dispute took no money: canceled. */
const disputeStatuses = {
  warning_needs_response: 'inquiry',
  warning_under_review: 'inquiry',
  warning_closed: 'canceled',
  needs_response: 'needs_response',
  under_review: 'under_review',
  charge_refunded: 'accepted',
  won: 'won',
  lost: 'lost',
  prevented: 'prevented',
} as const satisfies Record<StripeDispute['status'], DisputeStatus>;
