import * as z from 'zod';
import { jsonObject } from '../../json-object.ts';
import { readJsonBody } from '../../json-body.ts';
import type { EventsReading } from '../../verification.ts';
import { identifier } from '../envelope-fields.ts';

/** The envelope of a snapshot event. Source: Stripe API reference, "The Event object". */
const snapshotEvent = z.object({
  id: identifier,
  object: z.literal('event'),
  type: identifier,
  created: z.int().nonnegative().max(253_402_300_799),
  livemode: z.boolean(),
  api_version: z.string().max(255).nullish(),
  account: identifier.nullish(),
  data: z.object({ object: jsonObject }),
});

/**
 * The envelope of a thin event: it names what changed and does not hold it.
 * Source: stripe-node src/resources/V2/Core/Events.ts.
 */
const thinEvent = z.object({
  id: identifier,
  object: z.literal('v2.core.event'),
  type: identifier,
  created: z.iso.datetime({ offset: true }),
  livemode: z.boolean().nullish(),
  context: identifier.nullish(),
});

const envelope = z.discriminatedUnion('object', [snapshotEvent, thinEvent]);

/** Reads what a verified body says of itself. Never throws; the reason names paths, never values. */
export function readStripeEvents(body: Buffer): EventsReading {
  const reading = readJsonBody(body, envelope);
  if (reading.kind === 'malformed') return reading;
  const { value } = reading;
  const common = { eventId: value.id, type: value.type, livemode: value.livemode ?? null };
  if (value.object === 'v2.core.event') {
    const event = {
      ...common,
      occurredAt: new Date(value.created),
      apiVersion: null,
      providerAccount: value.context ?? null,
    };
    return { kind: 'events', events: [event] };
  }
  const event = {
    ...common,
    occurredAt: new Date(value.created * 1000),
    apiVersion: value.api_version ?? null,
    providerAccount: value.account ?? null,
  };
  return { kind: 'events', events: [event] };
}

/**
 * A retry may carry another count of endpoints still waiting
 * (`pending_webhooks`); everything else about an event is fixed.
 */
export function statesSameStripeEvent(stored: Buffer, received: Buffer): boolean {
  const [one, other] = [readJsonBody(stored, z.unknown()), readJsonBody(received, z.unknown())];
  if (one.kind === 'malformed' || other.kind === 'malformed') return false;
  try {
    return withoutCounter(one.value) === withoutCounter(other.value);
  } catch {
    // JSON nested deeper than the stack is not an event of Stripe's.
    return false;
  }
}

function withoutCounter(value: unknown): string {
  return JSON.stringify(value, (key, inner: unknown) => (key === 'pending_webhooks' ? undefined : inner));
}
