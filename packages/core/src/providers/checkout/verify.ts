import * as z from 'zod';
import { signatureInHeader, verifyHmac, type HmacScheme } from '../../hmac-verifier.ts';
import { readJsonBody } from '../../json-body.ts';
import type { Verifier } from '../../provider.ts';
import { parseSettings } from '../../provider-settings.ts';
import { rotatingSecrets } from '../../rotating-secrets.ts';
import type { EventsReading } from '../../verification.ts';

/**
 * Verifies Checkout.com's `Cko-Signature`: hex HMAC-SHA256 over the raw body,
 * keyed with the text of the workflow's signature key. No time is signed:
 * repetition is the ledger's to stop. Source: checkout.com/docs, "Set up your
 * webhook receiver".
 */
export function createCheckoutVerifier(settings: unknown): Verifier {
  const { secrets } = parseSettings(z.strictObject({ secrets: rotatingSecrets }), settings);
  const scheme: HmacScheme = {
    tier: 'body',
    algorithm: 'sha256',
    readSignatures: signatureInHeader({ header: 'cko-signature', encoding: 'hex', bytes: 32 }),
    signedParts: ({ body }) => [body],
    window: null,
    readEvents: ({ body }) => readEvents(body),
  };
  return (request, receivedAt) => verifyHmac(scheme, { secrets, request, receivedAt });
}

const identifier = z.string().regex(/^[\x21-\x7e]{1,255}$/);
const time = z.iso.datetime({ offset: true });

/** Source: checkout.com/docs, webhook event types; some of them say `timestamp` where others say `created_on`. */
const envelope = z.object({
  id: identifier,
  type: identifier,
  created_on: time.nullish(),
  timestamp: time.nullish(),
  version: z.string().max(255).nullish(),
});

function readEvents(body: Buffer): EventsReading {
  const reading = readJsonBody(body, envelope);
  if (reading.kind === 'malformed') return reading;
  const { id, type, created_on, timestamp, version } = reading.value;
  const happened = created_on ?? timestamp ?? null;
  const occurredAt = happened === null ? null : new Date(happened);
  return {
    kind: 'events',
    events: [{ eventId: id, type, occurredAt, livemode: null, apiVersion: version ?? null, providerAccount: null }],
  };
}
