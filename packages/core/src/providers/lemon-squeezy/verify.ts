import * as z from 'zod';
import { readJsonBody } from '../../json-body.ts';
import type { Verifier } from '../../provider.ts';
import { createSignedBodyVerifier } from '../../signed-body.ts';
import type { EventsReading } from '../../verification.ts';
import { identifier, statedTimeIfReadable } from '../envelope-fields.ts';

/**
 * Verifies Lemon Squeezy's `X-Signature`: hex HMAC-SHA256 over the raw body,
 * keyed with the webhook's signing secret as text. No time is signed, and no
 * event has an id: the body's hash stands in for one. The event's name is read
 * from the body, where it is signed, not from `X-Event-Name`. Source:
 * docs.lemonsqueezy.com/help/webhooks/signing-requests, lmsqueezy/laravel
 * VerifyWebhookSignature.php.
 */
export function createLemonSqueezyVerifier(settings: unknown): Verifier {
  return createSignedBodyVerifier(
    { header: 'x-signature', encoding: 'hex', readEvents: ({ body }) => readEvents(body) },
    settings,
  );
}

/** Source: docs.lemonsqueezy.com/help/webhooks/webhook-requests. Not every kind of resource has a time or a mode. */
const envelope = z.object({
  meta: z.object({ event_name: identifier }),
  data: z.object({
    attributes: z
      .object({
        updated_at: statedTimeIfReadable,
        test_mode: z.boolean().nullish().catch(null),
      })
      .nullish(),
  }),
});

function readEvents(body: Buffer): EventsReading {
  const reading = readJsonBody(body, envelope);
  if (reading.kind === 'malformed') return reading;
  const { meta, data } = reading.value;
  const { updated_at, test_mode } = data.attributes ?? {};
  return {
    kind: 'events',
    events: [
      {
        eventId: null,
        type: meta.event_name,
        occurredAt: updated_at ?? null,
        livemode: test_mode === null || test_mode === undefined ? null : !test_mode,
        apiVersion: null,
        // A webhook belongs to one store.
        providerAccount: null,
      },
    ],
  };
}
