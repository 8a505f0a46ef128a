import { isUtf8 } from 'node:buffer';
import * as z from 'zod';
import type { VerifiedEvent } from '../../verification.ts';

const identifier = z.string().regex(/^[\x21-\x7e]{1,255}$/);

/** The envelope of a snapshot event. Source: Stripe API reference, "The Event object". */
const snapshotEvent = z.object({
  id: identifier,
  object: z.literal('event'),
  type: identifier,
  created: z.int().nonnegative().max(253_402_300_799),
  livemode: z.boolean(),
  api_version: z.string().max(255).nullish(),
  account: identifier.nullish(),
  data: z.object({ object: z.record(z.string(), z.unknown()) }),
});

export type StripeEventReading =
  | { readonly kind: 'event'; readonly event: VerifiedEvent }
  | { readonly kind: 'malformed'; readonly reason: string };

/** Reads what a verified body says of itself. Never throws; the reason names paths, never values. */
export function readStripeEvent(body: Buffer): StripeEventReading {
  const json = parseJson(body);
  if (json.kind === 'malformed') return json;
  const parsed = snapshotEvent.safeParse(json.value);
  if (!parsed.success)
    return {
      kind: 'malformed',
      reason: `not a Stripe snapshot event: ${parsed.error.issues.map((issue) => issue.path.join('.') || 'the body').join(', ')}`,
    };
  const { id, type, created, livemode, api_version, account } = parsed.data;
  return {
    kind: 'event',
    event: {
      eventId: id,
      type,
      occurredAt: new Date(created * 1000),
      livemode,
      apiVersion: api_version ?? null,
      providerAccount: account ?? null,
    },
  };
}

/**
 * A retry may carry another count of endpoints still waiting
 * (`pending_webhooks`); everything else about an event is fixed.
 */
export function statesSameStripeEvent(stored: Buffer, received: Buffer): boolean {
  const [one, other] = [parseJson(stored), parseJson(received)];
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

function parseJson(
  body: Buffer,
): { readonly kind: 'json'; readonly value: unknown } | { readonly kind: 'malformed'; readonly reason: string } {
  if (!isUtf8(body)) return { kind: 'malformed', reason: 'the body is not UTF-8' };
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return { kind: 'json', value };
  } catch {
    // A SyntaxError quotes the body, and a RangeError is what deep nesting throws.
    return { kind: 'malformed', reason: 'the body is not JSON' };
  }
}
