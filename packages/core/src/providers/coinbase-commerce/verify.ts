import * as z from 'zod';
import { readJsonBody } from '../../json-body.ts';
import type { Verifier } from '../../provider.ts';
import { createSignedBodyVerifier } from '../../signed-body.ts';
import type { EventsReading } from '../../verification.ts';
import { identifier, statedTime } from '../envelope-fields.ts';

/**
 * Verifies Coinbase Commerce's `X-CC-Webhook-Signature`: hex HMAC-SHA256 over
 * the raw body, keyed with the text of the shared secret. No time is signed:
 * repetition is the ledger's to stop. Source: coinbase-commerce-node
 * lib/Webhook.js; unlike it, the body is parsed only once it is proven.
 */
export function createCoinbaseCommerceVerifier(settings: unknown): Verifier {
  return createSignedBodyVerifier(
    { header: 'x-cc-webhook-signature', encoding: 'hex', readEvents: ({ body }) => readEvents(body) },
    settings,
  );
}

/** `event.id` stays through the retries; the `id` around it may not. Source: docs.cdp.coinbase.com, webhook fields. */
const envelope = z.object({
  event: z.object({
    id: identifier,
    type: identifier,
    created_at: statedTime,
    api_version: z.string().max(255).nullish(),
  }),
});

function readEvents(body: Buffer): EventsReading {
  const reading = readJsonBody(body, envelope);
  if (reading.kind === 'malformed') return reading;
  const { id, type, created_at, api_version } = reading.value.event;
  return {
    kind: 'events',
    events: [
      {
        eventId: id,
        type,
        occurredAt: created_at,
        livemode: null,
        apiVersion: api_version ?? null,
        providerAccount: null,
      },
    ],
  };
}
