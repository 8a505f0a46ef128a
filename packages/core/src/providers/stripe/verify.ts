import * as z from 'zod';
import { apiOriginSetting } from '../../api-settings.ts';
import { decodeSignature, hmacVerifier, type HmacScheme, type SignatureReading } from '../../hmac-verifier.ts';
import type { Verifier } from '../../provider.ts';
import { parseSettings } from '../../provider-settings.ts';
import { rotatingSecrets } from '../../rotating-secrets.ts';
import { readHeader, type RequestHead } from '../../signed-request.ts';
import { readStripeEvents } from './event.ts';

/**
 * Verifies Stripe's `Stripe-Signature: t=<unix s>,v1=<hex>[,v1=…][,v0=…]`:
 * HMAC-SHA256 over `<t>.<raw body>`, keyed with the whole `whsec_…` string.
 *
 * Any `v1` under any active secret is accepted (one of each during a roll),
 * `v0` never. The time is checked in both directions, after the signature, so
 * that a stale answer is given to nobody but the holder of the secret.
 * Source: stripe-node src/Webhooks.ts; unlike it, the raw bytes are signed
 * without decoding, and times in the future are refused as well.
 */
export function createStripeVerifier(settings: unknown): Verifier {
  const { secrets, toleranceSeconds } = parseSettings(settingsSchema, settings);
  const scheme: HmacScheme = {
    tier: 'full',
    algorithm: 'sha256',
    readSignatures,
    signedParts: ({ body }, timestamp) => [`${timestamp}.`, body],
    window: { toleranceSeconds, secondsOf: Number },
    readEvents: ({ body }) => readStripeEvents(body),
  };
  return hmacVerifier(scheme, secrets);
}

const settingsSchema = z.object({
  secrets: rotatingSecrets,
  /** Stripe's own default; each retry is signed anew. */
  toleranceSeconds: z.int().min(1).max(86_400).default(300),
  // The worker's: see confirm.ts.
  apiKey: z.string().optional(),
  apiVersion: z.string().optional(),
  apiOrigin: apiOriginSetting,
});

/** Stripe sends one `v1` for each active secret, of which there are two in a roll; more than this is not Stripe. */
const SIGNATURES_MAX = 8;

const malformed: SignatureReading = {
  kind: 'malformed',
  reason: 'the Stripe-Signature header is not t=<seconds>,v1=<hex>',
};

function readSignatures(request: RequestHead): SignatureReading {
  const header = readHeader(request, 'stripe-signature');
  if (header.kind === 'missing') return { kind: 'missing', reason: 'the Stripe-Signature header is missing' };
  if (header.kind === 'unusable') return { kind: 'malformed', reason: header.reason };

  const timestamps: string[] = [];
  const signatures: Buffer[] = [];
  for (const element of header.value.split(',')) {
    const separator = element.indexOf('=');
    const key = element.slice(0, separator).trim();
    const content = element.slice(separator + 1).trim();
    if (key === 't') timestamps.push(content);
    const signature = key === 'v1' ? decodeSignature(content, 'hex', 32) : null;
    if (signature !== null) signatures.push(signature);
  }
  // Kept as sent: the signed string holds these very digits.
  const [timestamp] = timestamps;
  if (timestamp === undefined || timestamps.length > 1 || !/^\d{1,12}$/.test(timestamp)) return malformed;
  if (signatures.length === 0 || signatures.length > SIGNATURES_MAX) return malformed;
  return { kind: 'signatures', signatures, timestamp };
}
