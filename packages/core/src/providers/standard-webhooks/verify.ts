import * as z from 'zod';
import { refusalOf, verifyProven } from '../../hmac-verifier.ts';
import { readJsonBody } from '../../json-body.ts';
import type { Verifier } from '../../provider.ts';
import { parseSettings } from '../../provider-settings.ts';
import { rotatingSecrets, secretsActiveAt, type RotatingSecret } from '../../rotating-secrets.ts';
import type { RequestHead } from '../../signed-request.ts';
import { rejected, type EventsReading, type Rejection } from '../../verification.ts';
import { identifier, statedTimeIfReadable } from '../envelope-fields.ts';
import { readWebhookHeaders } from './headers.ts';
import { matchingKey, webhookKey, type WebhookKey } from './keys.ts';

/**
 * Verifies Standard Webhooks and Svix: any `v1` (HMAC-SHA256) or `v1a`
 * (ed25519) signature over `<id>.<timestamp>.<raw body>`, the time within the
 * window both ways. Source: standard-webhooks spec 1.0.0; standardwebhooks
 * dist/index.js. Unlike the latter the raw bytes are signed without decoding,
 * and the timestamp is nothing but digits.
 */
export function createStandardWebhooksVerifier(settings: unknown): Verifier {
  const { secrets, keys, toleranceSeconds } = parseSettings(settingsSchema, settings);
  const verify: Verifier = (request, receivedAt) => {
    const headers = readWebhookHeaders(request);
    if (headers.kind !== 'headers') return refusalOf(headers);

    const { id, timestamp, signatures } = headers;
    const key = matchingKey({
      keys: secretsActiveAt(secrets, receivedAt).flatMap((secret) => keys.get(secret) ?? []),
      signatures,
      signed: Buffer.concat([Buffer.from(`${id}.${timestamp}.`), request.body]),
    });
    if (key === null) return rejected('signature_mismatch', 'no signature matches the request under any active key');
    return verifyProven(
      {
        tier: 'full',
        window: { toleranceSeconds, secondsOf: Number },
        readEvents: ({ body }) => readEvents(body, id),
      },
      { request, receivedAt, timestamp, keyId: key.name },
    );
  };
  return Object.assign(verify, { refuse });
}

function refuse(head: RequestHead): Rejection | null {
  const headers = readWebhookHeaders(head);
  return headers.kind === 'headers' ? null : refusalOf(headers);
}

const notAKey =
  'must be whsec_<base64>, base64 alone, or whpk_<base64 of 32 bytes>; where the sender uses the text itself as key, set format: raw';

const settingsSchema = z
  .strictObject({
    /** Symmetric `whsec_…` secrets and `whpk_…` public keys, in any mixture. */
    secrets: rotatingSecrets,
    /** How symmetric secrets are written; `raw` where the sender keys the HMAC with the secret's text. */
    format: z.enum(['base64', 'raw'], { error: 'must be base64 or raw' }).default('base64'),
    /** The tolerance of the reference libraries; each retry is signed anew. */
    toleranceSeconds: z.int().min(1).max(86_400).default(300),
  })
  .transform(({ secrets, format, toleranceSeconds }, context) => {
    const keys = new Map<RotatingSecret, WebhookKey>();
    for (const [position, secret] of secrets.entries()) {
      const key = webhookKey(secret, format);
      if (key === null) context.addIssue({ code: 'custom', path: ['secrets', position], message: notAKey });
      else keys.set(secret, key);
    }
    return { secrets, keys, toleranceSeconds };
  });

/** `type` and `timestamp` are recommended, not required: what is not there as recommended is not known. */
const envelope = z.object({
  type: identifier.catch('unknown'),
  timestamp: statedTimeIfReadable,
});

function readEvents(body: Buffer, id: string): EventsReading {
  const reading = readJsonBody(body, envelope);
  if (reading.kind === 'malformed') return reading;
  const { type, timestamp } = reading.value;
  return {
    kind: 'events',
    events: [{ eventId: id, type, occurredAt: timestamp, livemode: null, apiVersion: null, providerAccount: null }],
  };
}
