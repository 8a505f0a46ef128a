import { jsonObject } from '../../json-object.ts';
import { readJsonBody } from '../../json-body.ts';
import type { Verifier } from '../../provider.ts';
import { createSignedBodyVerifier } from '../../signed-body.ts';
import { readHeader, type SignedRequest } from '../../signed-request.ts';
import type { EventsReading } from '../../verification.ts';

/**
 * Verifies GitHub's `X-Hub-Signature-256: sha256=<hex>`: HMAC-SHA256 over the
 * raw body, keyed with the webhook secret as text. No time is signed.
 *
 * Neither is `X-GitHub-Event` nor `X-GitHub-Delivery`. The delivery's id is
 * not read: the body's hash identifies the event, so that one genuine body
 * sent again under other ids stays one event. The event's name is nowhere in
 * the body; it becomes the type as `unsigned/<name>`, so that whoever acts on
 * it reads what it is worth.
 *
 * Source: octokit/webhooks-methods.js src/node/verify.ts and
 * docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries.
 * Unlike that library, bytes are verified rather than their decoded text.
 */
export function createGithubVerifier(settings: unknown): Verifier {
  return createSignedBodyVerifier(
    { header: 'x-hub-signature-256', prefix: 'sha256=', encoding: 'hex', readEvents },
    settings,
  );
}

/** Every payload is an object. Source: docs.github.com/webhooks/webhook-events-and-payloads. */
const payload = jsonObject;

function readEvents(request: SignedRequest): EventsReading {
  const reading = readJsonBody(request.body, payload);
  if (reading.kind === 'malformed') return reading;
  const event = {
    eventId: null,
    type: `unsigned/${eventName(request)}`,
    occurredAt: null,
    livemode: null,
    apiVersion: null,
    providerAccount: null,
  };
  return { kind: 'events', events: [event] };
}

/** What the header says, where it says one thing that can be an event's name. */
function eventName(request: SignedRequest): string {
  const header = readHeader(request, 'x-github-event');
  return header.kind === 'one' && /^[a-z_]{1,64}$/.test(header.value) ? header.value : 'unknown';
}
