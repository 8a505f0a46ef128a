import * as z from 'zod';

/**
 * The fields of Stripe's objects that translation reads, as Stripe's API
 * reference documents them: everything else is let through unread, and what
 * older API versions leave out or send as null is optional.
 */

/** Another object: its id, the object itself where expanded, or null. Read as the id. */
const related = z
  .union([z.string(), z.object({ id: z.string() })])
  .nullish()
  .transform((value) => (typeof value === 'object' ? value?.id : value));

const amount = z.int().nonnegative();
const currency = z
  .string()
  .regex(/^[A-Za-z]{3}$/)
  .transform((code) => code.toUpperCase());

export const paymentIntentSchema = z.object({
  object: z.literal('payment_intent'),
  id: z.string(),
  amount,
  amount_capturable: amount.nullish(),
  amount_received: amount.nullish(),
  currency,
  latest_charge: related,
  cancellation_reason: z.string().nullish(),
  last_payment_error: z.object({ code: z.string().nullish(), decline_code: z.string().nullish() }).nullish(),
});
export type StripePaymentIntent = z.output<typeof paymentIntentSchema>;

export const refundSchema = z.object({
  object: z.literal('refund'),
  id: z.string(),
  amount,
  currency,
  status: z.enum(['pending', 'requires_action', 'succeeded', 'failed', 'canceled']).nullish(),
  payment_intent: related,
  charge: related,
  reason: z.string().nullish(),
  failure_reason: z.string().nullish(),
});
export type StripeRefund = z.output<typeof refundSchema>;

export const chargeSchema = z.object({
  object: z.literal('charge'),
  id: z.string(),
  amount,
  /** Absent from API versions of 2020 and before. */
  amount_captured: amount.nullish(),
  amount_refunded: amount.nullish(),
  captured: z.boolean().nullish(),
  refunded: z.boolean().nullish(),
  currency,
  status: z.enum(['succeeded', 'pending', 'failed']).nullish(),
  payment_intent: related,
  failure_code: z.string().nullish(),
  /** Present in API versions before 2022-11-15, newest first, at most ten. */
  refunds: z.object({ data: z.array(refundSchema) }).nullish(),
});
export type StripeCharge = z.output<typeof chargeSchema>;

export const disputeSchema = z.object({
  object: z.literal('dispute'),
  id: z.string(),
  amount,
  currency,
  status: z.enum([
    'warning_needs_response',
    'warning_under_review',
    'warning_closed',
    'needs_response',
    'under_review',
    'charge_refunded',
    'won',
    'lost',
    'prevented',
  ]),
  payment_intent: related,
  charge: related,
  reason: z.string().nullish(),
});
export type StripeDispute = z.output<typeof disputeSchema>;

export const payoutSchema = z.object({
  object: z.literal('payout'),
  id: z.string(),
  /** Negative where a negative balance is taken from the bank account. */
  amount: z.int(),
  currency,
  status: z.enum(['pending', 'in_transit', 'paid', 'failed', 'canceled']),
  failure_code: z.string().nullish(),
});
export type StripePayout = z.output<typeof payoutSchema>;
