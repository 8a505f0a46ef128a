import * as z from 'zod';
import { readJsonBody } from '../../json-body.ts';
import type { Verifier } from '../../provider.ts';
import { createSignedBodyVerifier } from '../../signed-body.ts';
import type { EventsReading } from '../../verification.ts';
import { identifier, statedTime } from '../envelope-fields.ts';

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

/** Source: checkout.com/docs, webhook event types; some of them say `timestamp` where others say `created_on`. */
const envelope = z.object({
  id: identifier,
  type: identifier,
  created_on: statedTime,
  timestamp: statedTime,
  version: z.string().max(255).nullish(),
});

function readEvents(body: Buffer): EventsReading {
  const reading = readJsonBody(body, envelope);
  if (reading.kind === 'malformed') return reading;
  const { id, type, created_on, timestamp, version } = reading.value;
  return {
    kind: 'events',
    events: [
      {
        eventId: id,
        type,
        occurredAt: created_on ?? timestamp,
        livemode: null,
        apiVersion: version ?? null,
        providerAccount: null,
      },
    ],
  };
}
