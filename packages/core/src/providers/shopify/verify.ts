import * as z from 'zod';
import { readJsonBody } from '../../json-body.ts';
import type { Verifier } from '../../provider.ts';
import { createSignedBodyVerifier } from '../../signed-body.ts';
import { readHeader, type SignedRequest } from '../../signed-request.ts';
import type { EventsReading } from '../../verification.ts';
import { statedTimeIfReadable } from '../envelope-fields.ts';
import { shopifyResource } from './resource.ts';

/**
 * Verifies Shopify's `X-Shopify-Hmac-Sha256`: base64 HMAC-SHA256 over the raw
 * body, keyed with the app's client secret as text. No time is signed.
 *
 * Nothing else is signed either: not the topic, the shop, the event's id, nor
 * when it was triggered. One client secret signs for every shop and topic of
 * an app, so a genuine body can be sent again under another topic, as
 * `orders/create` under `orders/paid`. Therefore only the body counts. The
 * type is the resource it names by its global id (`Order`, `Refund`); the
 * topic stands in as `unsigned/<topic>` where it names none, so that whoever
 * acts on it reads what it is worth. The body's hash identifies the event:
 * retries carry the original payload (shopify.dev/changelog/updates-to-webhook-retry-mechanism).
 *
 * Source: shopify-app-js packages/apps/shopify-api/lib/webhooks/validate.ts
 * and lib/utils/hmac-validator.ts; shopify.dev/docs/apps/build/webhooks/verify-deliveries.
 * The preview's `Shopify-Hmac-Sha256` (Events) is not read.
 */
export function createShopifyVerifier(settings: unknown): Verifier {
  return createSignedBodyVerifier({ header: 'x-shopify-hmac-sha256', encoding: 'base64', readEvents }, settings);
}

/** What resources have in common; a time of another form is no time. */
const resource = z.looseObject({
  admin_graphql_api_id: z.unknown().optional(),
  updated_at: statedTimeIfReadable,
  processed_at: statedTimeIfReadable,
  created_at: statedTimeIfReadable,
});

function readEvents(request: SignedRequest): EventsReading {
  const reading = readJsonBody(request.body, resource);
  if (reading.kind === 'malformed') return reading;
  const { admin_graphql_api_id, updated_at, processed_at, created_at } = reading.value;
  const event = {
    eventId: null,
    type: shopifyResource(admin_graphql_api_id)?.kind ?? `unsigned/${topic(request)}`,
    occurredAt: updated_at ?? processed_at ?? created_at,
    livemode: null,
    apiVersion: null,
    providerAccount: null,
  };
  return { kind: 'events', events: [event] };
}

/** What the header says, where it says one thing that can be a topic. */
function topic(request: SignedRequest): string {
  const header = readHeader(request, 'x-shopify-topic');
  return header.kind === 'one' && /^[a-z_/]{1,100}$/.test(header.value) ? header.value : 'unknown';
}
