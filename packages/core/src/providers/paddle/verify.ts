import * as z from 'zod';
import { decodeSignature, hmacVerifier, type HmacScheme, type SignatureReading } from '../../hmac-verifier.ts';
import { readJsonBody } from '../../json-body.ts';
import type { Verifier } from '../../provider.ts';
import { parseSettings } from '../../provider-settings.ts';
import { rotatingSecrets } from '../../rotating-secrets.ts';
import { readHeader, type RequestHead } from '../../signed-request.ts';
import type { EventsReading } from '../../verification.ts';
import { identifier } from '../envelope-fields.ts';

/**
 * Verifies Paddle Billing's `Paddle-Signature: ts=<seconds>;h1=<hex>[;h1=…]`:
 * HMAC-SHA256 over `<ts>:<raw body>`, keyed with the notification destination's
 * secret (`pdl_ntfset_…`) as text. While a secret is rotated there is one `h1`
 * for each; any may match.
 *
 * Source: paddle-node-sdk src/notifications/helpers/webhooks-validator.ts and
 * developer.paddle.com/webhooks/about/signature-verification. Unlike that SDK,
 * every `h1` counts (it keeps the last), the comparison is in constant time,
 * the bytes are verified rather than their decoded text, and a time in the
 * future is as wrong as one in the past.
 */
export function createPaddleVerifier(settings: unknown): Verifier {
  const { secrets, toleranceSeconds } = parseSettings(settingsSchema, settings);
  const scheme: HmacScheme = {
    tier: 'full',
    algorithm: 'sha256',
    readSignatures,
    signedParts: ({ body }, timestamp) => [`${timestamp}:`, body],
    window: { toleranceSeconds, secondsOf: Number },
    readEvents: ({ body }) => readEvents(body),
  };
  return hmacVerifier(scheme, secrets);
}

const settingsSchema = z.strictObject({
  secrets: rotatingSecrets,
  /** Paddle's SDKs allow 5 seconds, which a delivery that waited behind a proxy or a skewed clock exceeds. */
  toleranceSeconds: z
    .int('must be a whole number of seconds')
    .min(1, 'must be at least 1 second')
    .max(3600, 'must be at most 3600 seconds')
    .default(30),
});

const header = 'paddle-signature';

/** One for each active secret, of which there are two in a rotation; more than this is not Paddle. */
const SIGNATURES_MAX = 8;

function readSignatures(request: RequestHead): SignatureReading {
  const reading = readHeader(request, header);
  if (reading.kind === 'missing') return { kind: 'missing', reason: `the ${header} header is missing` };
  if (reading.kind === 'unusable') return { kind: 'malformed', reason: reading.reason };
  const parts = reading.value.split(';').map((part) => /^(?<name>[a-z0-9]+)=(?<value>.+)$/.exec(part)?.groups);
  const valuesOf = (name: string): string[] =>
    parts.flatMap((part) => (part?.['name'] === name ? (part['value'] ?? []) : []));
  const [timestamp, ...otherTimestamps] = valuesOf('ts');
  // Versions other than h1 are left to whoever knows them.
  const signatures = valuesOf('h1').map((text) => decodeSignature(text, 'hex', 32));
  const decoded = signatures.filter((signature) => signature !== null);
  if (
    parts.includes(undefined) ||
    timestamp === undefined ||
    !/^\d{1,12}$/.test(timestamp) ||
    otherTimestamps.length > 0 ||
    decoded.length === 0 ||
    decoded.length > SIGNATURES_MAX ||
    decoded.length < signatures.length
  )
    return { kind: 'malformed', reason: `the ${header} header is not ts=<seconds>;h1=<32 bytes in hex>` };
  return { kind: 'signatures', signatures: decoded, timestamp };
}

/** Source: developer.paddle.com/webhooks, the attributes every event has. */
const envelope = z.object({
  event_id: identifier,
  event_type: identifier,
  occurred_at: z.iso.datetime({ offset: true }),
});

function readEvents(body: Buffer): EventsReading {
  const reading = readJsonBody(body, envelope);
  if (reading.kind === 'malformed') return reading;
  const { event_id, event_type, occurred_at } = reading.value;
  return {
    kind: 'events',
    events: [
      {
        eventId: event_id,
        type: event_type,
        occurredAt: new Date(occurred_at),
        livemode: null,
        apiVersion: null,
        providerAccount: null,
      },
    ],
  };
}
