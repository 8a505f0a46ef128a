import * as z from 'zod';
import { jsonBytes, noEvent, readJsonBody } from '../../json-body.ts';
import type { Verifier } from '../../provider.ts';
import { createSignedBodyVerifier } from '../../signed-body.ts';
import type { EventsReading, VerifiedEvent } from '../../verification.ts';
import { goCardlessEvent } from './event.ts';

/**
 * Verifies GoCardless's `Webhook-Signature`: hex HMAC-SHA256 over the raw body,
 * keyed with the endpoint's secret as text. No time is signed: repetition is
 * the ledger's to stop. Source: gocardless-nodejs src/webhooks.ts.
 */
export function createGoCardlessVerifier(settings: unknown): Verifier {
  return createSignedBodyVerifier(
    { header: 'webhook-signature', encoding: 'hex', readEvents: ({ body }) => readEvents(body) },
    settings,
  );
}

/** The greatest number of events GoCardless sends in one request (API reference, Webhooks). */
export const GOCARDLESS_EVENTS_MAX = 250;

const envelope = z.object({ events: z.array(z.unknown()).min(1).max(GOCARDLESS_EVENTS_MAX) });

/** All or nothing: half a request acknowledged would be half a request lost. */
function readEvents(body: Buffer): EventsReading {
  const reading = readJsonBody(body, envelope);
  if (reading.kind === 'malformed') return reading;
  const events: VerifiedEvent[] = [];
  for (const [position, item] of reading.value.events.entries()) {
    const event = goCardlessEvent.safeParse(item);
    if (!event.success) return noEvent(event.error, ['events', position]);
    const own = jsonBytes(item);
    if (own === null) return { kind: 'malformed', reason: `the body is nested too deep at events.${position}` };
    events.push(describe(event.data, own));
  }
  return { kind: 'events', events };
}

function describe(event: z.output<typeof goCardlessEvent>, body: Buffer): VerifiedEvent {
  const organisation = z.string().safeParse(event.links?.['organisation']);
  return {
    eventId: event.id,
    type: `${event.resource_type}.${event.action}`,
    occurredAt: new Date(event.created_at),
    // The environment is named by the Origin header alone, which is not signed.
    livemode: null,
    apiVersion: null,
    providerAccount: organisation.success ? organisation.data : null,
    body,
  };
}
