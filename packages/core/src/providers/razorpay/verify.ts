import * as z from 'zod';
import { readJsonBody } from '../../json-body.ts';
import type { Verifier } from '../../provider.ts';
import { createSignedBodyVerifier } from '../../signed-body.ts';
import type { EventsReading } from '../../verification.ts';
import { identifier } from '../envelope-fields.ts';

/**
 * Verifies Razorpay's `X-Razorpay-Signature`: hex HMAC-SHA256 over the raw
 * body, keyed with the webhook secret as text. No time is signed: repetition is
 * the ledger's to stop. Retries of older events stay signed with the secret of
 * their time, so a replaced one is kept for 24 hours.
 *
 * `x-razorpay-event-id` is not read. The signature does not cover it: whoever
 * holds one genuine delivery could send it again under any number of new ids,
 * and each would be a new event. The body's hash stands in, so that a body is
 * one event whatever is written beside it; its account, type, time and
 * snapshot make it one of its kind.
 *
 * Source: razorpay-node lib/utils/razorpay-utils.js `validateWebhookSignature`
 * and razorpay.com/docs/webhooks/validate-test. Unlike that SDK, the
 * comparison is in constant time and over bytes, not their decoded text.
 */
export function createRazorpayVerifier(settings: unknown): Verifier {
  return createSignedBodyVerifier(
    { header: 'x-razorpay-signature', encoding: 'hex', readEvents: ({ body }) => readEvents(body) },
    settings,
  );
}

/** Source: razorpay.com/docs/webhooks/payloads, the envelope; `created_at` in seconds. */
const envelope = z.object({
  event: identifier,
  account_id: identifier.nullish(),
  created_at: z
    .int()
    .nonnegative()
    .max(253_402_300_799)
    .transform((seconds) => new Date(seconds * 1000))
    .nullable()
    .default(null),
});

function readEvents(body: Buffer): EventsReading {
  const reading = readJsonBody(body, envelope);
  if (reading.kind === 'malformed') return reading;
  const { event, account_id, created_at } = reading.value;
  return {
    kind: 'events',
    events: [
      {
        eventId: null,
        type: event,
        occurredAt: created_at,
        livemode: null,
        apiVersion: null,
        providerAccount: account_id ?? null,
      },
    ],
  };
}
