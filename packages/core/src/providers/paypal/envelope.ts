import { isUtf8 } from 'node:buffer';
import * as z from 'zod';
import { jsonShapeProblem } from '../../json-shape.ts';
import type { VerifiedEvent } from '../../verification.ts';
import { readDateTime } from './date-time.ts';

export type EnvelopeReading =
  | { readonly kind: 'event'; readonly event: VerifiedEvent }
  | { readonly kind: 'malformed'; readonly reason: string };

/**
 * Reads what an event says about itself. Never throws, whatever the bytes; the
 * reason names fields of the schema and repeats nothing of the payload.
 * Source: PayPal's openapi notifications_webhooks_v1.json, event.
 */
export function readEnvelope(body: Buffer, { livemode }: { readonly livemode: boolean }): EnvelopeReading {
  const json = readJson(body);
  if (json.kind === 'malformed') return json;
  const parsed = envelope.safeParse(json.value);
  if (!parsed.success) return { kind: 'malformed', reason: describeFault(parsed.error) };
  const { id, event_type, create_time, event_version, resource_version } = parsed.data;
  const versions = [event_version, resource_version].filter((version) => version !== undefined);
  return {
    kind: 'event',
    event: {
      eventId: id,
      type: event_type,
      occurredAt: create_time,
      livemode,
      apiVersion: event_version === undefined ? null : versions.join('/'),
      providerAccount: null,
    },
  };
}

/**
 * Reads bytes as JSON. Bytes that are not UTF-8 are refused rather than mended,
 * and any exception of the parser (a RangeError included) means "not JSON".
 */
export function readJson(
  body: Buffer,
): { readonly kind: 'json'; readonly value: unknown } | { readonly kind: 'malformed'; readonly reason: string } {
  if (!isUtf8(body)) return { kind: 'malformed', reason: 'the body is not UTF-8' };
  const problem = jsonShapeProblem(body);
  if (problem !== null) return { kind: 'malformed', reason: problem };
  try {
    return { kind: 'json', value: JSON.parse(body.toString('utf8')) };
  } catch {
    return { kind: 'malformed', reason: 'the body is not JSON' };
  }
}

/** Versions only inform; one of another form is left out rather than costing the event. */
const version = z
  .string()
  .regex(/^[\w.]{1,20}$/)
  .optional()
  .catch(undefined);

const envelope = z.object({
  id: z.string().regex(/^WH-[\x21-\x7e]{1,252}$/),
  event_type: z.string().regex(/^[A-Z0-9._-]{1,255}$/),
  create_time: z.string().transform((text, context) => {
    const time = readDateTime(text);
    if (time !== null) return time;
    context.addIssue('must be an RFC 3339 date-time');
    return z.NEVER;
  }),
  event_version: version,
  resource_version: version,
  resource: z.looseObject({}),
});

function describeFault(error: z.ZodError): string {
  const fields = [...new Set(error.issues.map((issue) => String(issue.path[0] ?? '')))].filter((field) => field !== '');
  if (fields.length === 0) return 'the body is not a JSON object';
  return `the event lacks what PayPal documents for: ${fields.join(', ')}`;
}
