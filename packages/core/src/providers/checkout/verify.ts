import * as z from 'zod';
import { readJsonBody } from '../../json-body.ts';
import type { Verifier } from '../../provider.ts';
import { createSignedBodyVerifier } from '../../signed-body.ts';
import type { EventsReading } from '../../verification.ts';

/**
 * Verifies Checkout.com's `Cko-Signature`: hex HMAC-SHA256 over the raw body,
 * keyed with the text of the workflow's signature key. No time is signed:
 * repetition is the ledger's to stop. Source: checkout.com/docs, "Set up your
 * webhook receiver".
 */
export function createCheckoutVerifier(settings: unknown): Verifier {
  return createSignedBodyVerifier(
    { header: 'cko-signature', encoding: 'hex', readEvents: ({ body }) => readEvents(body) },
    settings,
  );
}

const identifier = z.string().regex(/^[\x21-\x7e]{1,255}$/);
const time = z.iso.datetime({ offset: true });

/** Source: checkout.com/docs, webhook event types; some of them say `timestamp` where others say `created_on`. */
const envelope = z.object({
  id: identifier,
  type: identifier,
  created_on: time.nullish(),
  timestamp: time.nullish(),
  version: z.string().max(255).nullish(),
});

function readEvents(body: Buffer): EventsReading {
  const reading = readJsonBody(body, envelope);
  if (reading.kind === 'malformed') return reading;
  const { id, type, created_on, timestamp, version } = reading.value;
  const happened = created_on ?? timestamp ?? null;
  const occurredAt = happened === null ? null : new Date(happened);
  return {
    kind: 'events',
    events: [{ eventId: id, type, occurredAt, livemode: null, apiVersion: version ?? null, providerAccount: null }],
  };
}
