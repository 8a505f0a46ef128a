import * as z from 'zod';
import { signatureInHeader, hmacVerifier, type HmacScheme } from '../../hmac-verifier.ts';
import { readJsonBody } from '../../json-body.ts';
import type { Verifier } from '../../provider.ts';
import { parseSettings } from '../../provider-settings.ts';
import { rotatingSecrets } from '../../rotating-secrets.ts';
import type { EventsReading } from '../../verification.ts';
import { identifier, statedTime } from '../envelope-fields.ts';

/**
 * Verifies Square's `x-square-hmacsha256-signature`: base64 HMAC-SHA256 over
 * the notification URL as registered, followed by the raw body, keyed with the
 * subscription's signature key as text. No time is signed: repetition is the
 * ledger's to stop. Source: square-nodejs-sdk WebhooksHelper.ts; unlike it,
 * the comparison is in constant time.
 */
export function createSquareVerifier(settings: unknown): Verifier {
  const { secrets, notificationUrl } = parseSettings(settingsSchema, settings);
  const scheme: HmacScheme = {
    tier: 'body',
    algorithm: 'sha256',
    readSignatures: signatureInHeader({ header: 'x-square-hmacsha256-signature', encoding: 'base64', bytes: 32 }),
    signedParts: ({ body }) => [notificationUrl, body],
    window: null,
    readEvents: ({ body }) => readEvents(body),
  };
  return hmacVerifier(scheme, secrets);
}

const settingsSchema = z.strictObject({
  secrets: rotatingSecrets,
  /** To the letter as it stands in the dashboard: it is part of what is signed. */
  notificationUrl: z.url({ protocol: /^https?$/, error: 'must be the notification URL as registered with Square' }),
});

/** Source: Square API reference, webhook event envelope. */
const envelope = z.object({
  event_id: identifier,
  type: identifier,
  created_at: statedTime,
  merchant_id: identifier.nullish(),
});

function readEvents(body: Buffer): EventsReading {
  const reading = readJsonBody(body, envelope);
  if (reading.kind === 'malformed') return reading;
  const { event_id, type, created_at, merchant_id } = reading.value;
  return {
    kind: 'events',
    events: [
      {
        eventId: event_id,
        type,
        occurredAt: created_at,
        livemode: null,
        apiVersion: null,
        providerAccount: merchant_id ?? null,
      },
    ],
  };
}
