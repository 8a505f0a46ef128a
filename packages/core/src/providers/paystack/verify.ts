import * as z from 'zod';
import { readJsonBody } from '../../json-body.ts';
import type { Verifier } from '../../provider.ts';
import { createSignedBodyVerifier } from '../../signed-body.ts';
import type { EventsReading } from '../../verification.ts';
import { statedTimeIfReadable } from '../envelope-fields.ts';

/**
 * Verifies Paystack's `x-paystack-signature`: hex HMAC-SHA512 over the raw
 * body, keyed with the API secret key (`sk_live_…`) as text. No time is
 * signed: repetition is the ledger's to stop. Source: paystack.com/docs/payments/webhooks
 * and PaystackOSS/doc-code-snippets src/doc/payments/webhooks/verifying-transaction;
 * unlike those, the comparison is in constant time.
 */
export function createPaystackVerifier(settings: unknown): Verifier {
  return createSignedBodyVerifier(
    {
      header: 'x-paystack-signature',
      algorithm: 'sha512',
      encoding: 'hex',
      readEvents: ({ body }) => readEvents(body),
    },
    settings,
  );
}

const envelope = z.object({ event: z.string().regex(/^[\x21-\x7e]{1,100}$/), data: z.unknown().optional() });

/** What differs between kinds of events is left out where it is not of this form: here it only describes. */
const description = z.object({
  id: z
    .union([z.int().nonnegative(), z.string().regex(/^[\x21-\x7e]{1,100}$/)])
    .nullish()
    .catch(null),
  domain: z.string().nullish().catch(null),
  paid_at: statedTimeIfReadable,
  updated_at: statedTimeIfReadable,
  updatedAt: statedTimeIfReadable,
  created_at: statedTimeIfReadable,
  createdAt: statedTimeIfReadable,
});

function readEvents(body: Buffer): EventsReading {
  const reading = readJsonBody(body, envelope);
  if (reading.kind === 'malformed') return reading;
  const { event: type, data } = reading.value;
  const about = description.safeParse(data).data;
  return {
    kind: 'events',
    events: [
      {
        eventId: eventIdOf(type, about?.id ?? null),
        type,
        occurredAt: about === undefined ? null : timeOf(type, about),
        livemode: about?.domain === 'live' ? true : about?.domain === 'test' ? false : null,
        apiVersion: null,
        // The secret key is one integration's; only some events repeat its number.
        providerAccount: null,
      },
    ],
  };
}

/**
 * Paystack gives events no id. These happen to an object once, so their type
 * and its id name them, whatever else a second rendering of them may say: two
 * different bodies under one such name are reported as a collision instead of
 * being acted upon twice. The others may rightly come again for one object (a
 * dispute's reminders, a retried refund, an invoice's updates) and would
 * collide; they go by their bodies' hash.
 */
const typesThatHappenOnce: ReadonlySet<string> = new Set([
  'charge.success',
  'charge.dispute.create',
  'charge.dispute.resolve',
  'transfer.success',
  'transfer.failed',
  'transfer.reversed',
]);

function eventIdOf(type: string, id: string | number | null): string | null {
  return id !== null && typesThatHappenOnce.has(type) ? `${type}:${id}` : null;
}

function timeOf(type: string, about: z.infer<typeof description>): Date | null {
  const changed = about.updated_at ?? about.updatedAt ?? about.created_at ?? about.createdAt;
  return type === 'charge.success' ? (about.paid_at ?? changed) : changed;
}
