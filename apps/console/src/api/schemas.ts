import { z } from '@hono/zod-openapi';
import {
  disputeStatuses,
  paymentFactSchema,
  paymentStatuses,
  payoutStatuses,
  refundStatuses,
} from '@penstock/core/payment-event';

/** What the API answers: the document, the types of the answers and the tests all come from here. */

const time = z.iso.datetime().meta({ description: 'ISO 8601, UTC', example: '2026-03-01T12:00:00.000Z' });
const amount = z.int().meta({ description: 'Whole minor units (cents) of the currency beside it', example: 1999 });
const currency = z.string().nullable().meta({ description: 'ISO 4217', example: 'EUR' });
const ledgerId = z.string().meta({ description: "The event's number in the ledger", example: '1042' });

const common = {
  version: z.int().meta({ description: 'Goes up with every event that changed it' }),
  occurredAt: time.meta({ description: 'When something last happened to it, as the provider says' }),
  updatedAt: time.meta({ description: 'When this was last written' }),
};

export const paymentSchema = z
  .object({
    id: z.string().meta({ description: 'The most telling of its ids at the provider', example: 'pi_3Nk' }),
    account: z.string(),
    provider: z.string(),
    status: z.enum(paymentStatuses),
    amount: amount.nullable(),
    currency,
    amountCaptured: amount,
    amountRefunded: amount,
    refundState: z.enum(['none', 'partial', 'full']),
    disputeState: z.enum(['none', 'inquiry', 'open', 'won', 'lost']),
    failureCode: z.string().nullable(),
    conflict: z.string().nullable().meta({ description: 'What does not add up in its events; null where all does' }),
    needsFetch: z.boolean().meta({ description: 'Only a refund or a dispute of it is known' }),
    ...common,
  })
  .openapi('Payment');

const refundFields = {
  id: z.string(),
  status: z.enum(refundStatuses),
  amount: amount.nullable(),
  currency,
  reason: z.string().nullable(),
  ...common,
};
const disputeFields = {
  ...refundFields,
  status: z.enum(disputeStatuses),
  funds: z.enum(['none', 'withdrawn', 'reinstated']),
};
const ofPayment = {
  account: z.string(),
  provider: z.string(),
  payment: z.string().meta({ description: "The payment's id" }),
};

export const refundSchema = z.object({ ...refundFields, ...ofPayment }).openapi('Refund');
export const disputeSchema = z.object({ ...disputeFields, ...ofPayment }).openapi('Dispute');

export const payoutSchema = z
  .object({
    id: z.string(),
    account: z.string(),
    provider: z.string(),
    status: z.enum(payoutStatuses),
    amount: amount.nullable(),
    currency,
    failureCode: z.string().nullable(),
    ...common,
  })
  .openapi('Payout');

const eventState = z.enum(['received', 'processed', 'ignored', 'dead', 'discarded']).meta({
  description:
    'received: on its way, or waiting to be tried again; dead: will not be tried again by itself; discarded: dead, and somebody decided that it stays so',
});
const tier = z
  .enum(['full', 'body', 'partial', 'none', 'fetched'])
  .meta({ description: 'How much of the request its signature proves' });

export const deliverySchema = z
  .object({
    receivedAt: time,
    kind: z.enum(['first', 'repeat', 'other_body']).meta({ description: 'other_body: another body under the same id' }),
    requestId: z.string(),
    keyId: z.string(),
  })
  .openapi('Delivery', { description: 'One time that a provider sent the event; at most 50 are told' });

export const timelineEntrySchema = z
  .object({
    canonicalType: z.string().meta({ example: 'payment.captured' }),
    type: z.string().meta({ description: "The provider's own type", example: 'charge.succeeded' }),
    bodyKept: z.boolean().meta({ description: "Whether the event's bytes are still kept" }),
    eventId: z.string(),
    endpoint: z.string(),
    occurredAt: time,
    receivedAt: time,
    tier: tier.nullable(),
    keyId: z.string().nullable(),
    requestId: z.string(),
    state: eventState,
    finishedAt: time.nullable(),
    deliveries: z.array(deliverySchema),
    // Made by the core's zod, which may be loaded before `openapi` is added to it.
    fact: paymentFactSchema.meta({ description: 'What the event says about the payment' }),
  })
  .openapi('TimelineEntry');

export const wholePaymentSchema = paymentSchema
  .extend({
    refunds: z.array(z.object(refundFields)),
    disputes: z.array(z.object(disputeFields)),
    timeline: z.array(timelineEntrySchema).meta({ description: 'In the order it happened; at most 1,000 entries' }),
  })
  .openapi('WholePayment');

const fromStored = "null where the event's bytes are no longer kept";

export const eventSchema = z
  .object({
    id: ledgerId,
    account: z.string(),
    provider: z.string(),
    endpoint: z.string(),
    eventId: z.string().meta({ description: "The provider's id", example: 'evt_1abc' }),
    state: eventState,
    attempts: z.int(),
    receivedAt: time,
    finishedAt: time.nullable(),
    failure: z
      .object({
        code: z.string(),
        message: z.string().nullable(),
        fingerprint: z.string().nullable().meta({ description: 'Shared by failures of one cause' }),
        reason: z.enum(['permanent_failure', 'retries_exhausted', 'malformed', 'abandoned', 'poison']).nullable(),
      })
      .nullable()
      .meta({ description: 'The last failure' }),
    requestId: z.string(),
    bodySha256: z.string().meta({ description: 'Hexadecimal' }),
    type: z
      .string()
      .nullable()
      .meta({ description: `The provider's own type; ${fromStored}` }),
    shape: z.enum(['event', 'malformed']).nullable(),
    occurredAt: time.nullable(),
    livemode: z.boolean().nullable(),
    apiVersion: z.string().nullable(),
    tier: tier.nullable(),
    keyId: z.string().nullable(),
    origin: z.enum(['webhook', 'sweep', 'fetch']).nullable(),
  })
  .openapi('Event');

export const wholeEventSchema = eventSchema
  .extend({
    deliveries: z.array(deliverySchema),
    failedAttempts: z.array(
      z.object({
        attempt: z.int(),
        failedAt: time,
        durationMs: z.int(),
        code: z.string(),
        message: z.string(),
        fingerprint: z.string(),
        retryInMs: z.int().nullable(),
        handler: z.string().nullable(),
      }),
    ),
  })
  .openapi('WholeEvent');

export const payloadSchema = z
  .object({
    id: ledgerId,
    contentType: z.string().nullable(),
    sha256: z.string(),
    bytes: z.int(),
    base64: z.base64().meta({ description: 'The exact bytes, as the provider sent them' }),
    text: z.string().nullable().meta({ description: 'The same as text; null where the bytes are not UTF-8' }),
  })
  .openapi('Payload');

export const outboxSchema = z
  .object({
    id: z.string(),
    event: ledgerId,
    destination: z.string(),
    kind: z.enum(['message', 'event']),
    topic: z.string(),
    key: z.string(),
    orderKey: z.string().nullable(),
    state: z.enum(['pending', 'queued', 'delivered', 'dead']),
    attempts: z.int(),
    lastStatus: z.int().nullable(),
    lastError: z.string().nullable(),
    createdAt: time,
    touchedAt: time,
    finishedAt: time.nullable(),
  })
  .openapi('OutboxDelivery');

export const collisionSchema = z
  .object({
    id: z.string(),
    event: ledgerId.meta({ description: 'The event that it contradicts' }),
    kind: z.enum(['event_id', 'transmission_id']),
    account: z.string(),
    endpoint: z.string(),
    eventId: z.string(),
    type: z.string(),
    tier,
    keyId: z.string(),
    requestId: z.string(),
    receivedAt: time,
    recordedAt: time,
    bodySha256: z.string(),
  })
  .openapi('Collision');

export const problemSchema = z
  .looseObject({
    type: z.string().meta({ example: 'urn:penstock:problem:parameter_invalid' }),
    status: z.int(),
    code: z.string().meta({ description: 'Stable; docs/ERRORS.md says what to do' }),
    title: z.string(),
    detail: z.string().optional(),
    requestId: z.string(),
  })
  .openapi('Problem', { description: 'RFC 9457' });
