import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import * as z from 'zod';
import { PermanentError } from './failure.ts';

/** PostgreSQL's text cannot hold a NUL, which JSON can spell. */
const text = z.string().refine((value) => !value.includes('\0'), 'must not hold a NUL');

/**
 * A delivery is one event on its way from ingest to the ledger: the contract
 * between processes of different versions, so it names its schema version and
 * is parsed again on arrival. Readers accept every version they list; a field
 * is added as optional, never changed in meaning.
 */
const deliverySchema = z.strictObject({
  v: z.literal(1),
  /** Names this delivery among all others, retries of the same event included. */
  deliveryId: z.uuid(),
  /** The endpoint's name in penstock.config.ts, also the last part of its URL. */
  endpoint: text.min(1),
  provider: text.min(1),
  /** Whose events these are: two endpoints of one account share one ledger. */
  account: text.min(1),
  /** The provider's event id, or `sha256-<hex>` of the body where it has none. */
  eventId: text.min(1).max(255),
  type: text.min(1).max(255),
  /** `malformed`: genuine, but not the provider's event shape; kept as a dead letter. */
  shape: z.enum(['event', 'malformed']),
  malformedReason: z.string().optional(),
  occurredAt: z.iso.datetime().nullable(),
  receivedAt: z.iso.datetime(),
  livemode: z.boolean().nullable(),
  apiVersion: text.max(255).nullable(),
  providerAccount: text.max(255).nullable(),
  /** How much of it is proven by its signature (verification.ts); `fetched`: all of it, by TLS and our credentials. */
  tier: z.enum(['full', 'body', 'partial', 'none', 'fetched']),
  keyId: text.max(255),
  transmissionId: text.max(255).nullable(),
  requestId: text.max(128),
  /** W3C trace context of the request, where it had one. */
  traceparent: text.max(128).optional(),
  contentType: text.max(255).nullable(),
  /** How the event came to be here: from the provider, from the ledger by the sweeper, or asked for (snapshot.ts). */
  origin: z.enum(['webhook', 'sweep', 'fetch']),
  bodySha256: z.string().regex(/^[0-9a-f]{64}$/),
  body: z.strictObject({ encoding: z.enum(['utf8', 'base64']), data: z.string() }),
});

/** What of a delivery its event says of itself. */
export const saidOfItself = deliverySchema.pick({
  eventId: true,
  type: true,
  occurredAt: true,
  apiVersion: true,
  providerAccount: true,
});

export type Delivery = z.infer<typeof deliverySchema>;

/**
 * Reads what came out of the queue. Throws PermanentError `malformed_delivery`
 * when it is not a delivery, or when its body does not match its own hash.
 */
export function parseDelivery(data: unknown): Delivery {
  const parsed = deliverySchema.safeParse(data);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || '(root)'}: ${issue.message}`);
    throw new PermanentError(
      'malformed_delivery',
      `the job is not a delivery this version understands: ${problems.join('; ')}`,
    );
  }
  const body = decodeBody(parsed.data.body);
  if (sha256Hex(body) !== parsed.data.bodySha256) {
    throw new PermanentError('malformed_delivery', 'the delivery body does not match its own hash');
  }
  return parsed.data;
}

/**
 * The exact bytes, as text where text can hold them (a third shorter in the
 * queue than base64). A NUL byte goes as base64: PostgreSQL's jsonb, which
 * holds the jobs of that backend, has no NUL.
 */
export function encodeBody(body: Buffer): Delivery['body'] {
  if (isUtf8(body) && !body.includes(0)) return { encoding: 'utf8', data: body.toString('utf8') };
  return { encoding: 'base64', data: body.toString('base64') };
}

export function decodeBody(body: Delivery['body']): Buffer {
  return Buffer.from(body.data, body.encoding);
}

export function sha256Hex(bytes: Buffer): string {
  return hash('sha256', bytes, 'hex');
}

/**
 * The queue's id for an event: `<endpoint>.<event id>`, readable in Bull Board.
 * A sha256 takes the event id's place where BullMQ or a URL could not hold it:
 * outside `[A-Za-z0-9_-]` or longer than 128 characters.
 */
export function jobIdOf(delivery: { readonly endpoint: string; readonly eventId: string }): string {
  const readable = /^[A-Za-z0-9_-]{1,128}$/.test(delivery.eventId);
  return `${delivery.endpoint}.${readable ? delivery.eventId : sha256Hex(Buffer.from(delivery.eventId))}`;
}

/**
 * The queue's id for a second body under an id already queued: it must reach
 * the worker, which decides whether it is a collision, and not be swallowed
 * as a repetition of the first.
 */
export function contestedJobIdOf(delivery: {
  readonly endpoint: string;
  readonly eventId: string;
  readonly bodySha256: string;
}): string {
  return `${jobIdOf(delivery)}.${delivery.bodySha256.slice(0, 16)}`;
}
