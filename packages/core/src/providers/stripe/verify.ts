import * as z from 'zod';
import { ConfigurationError } from '../../failure.ts';
import { matchingSecret } from '../../hmac.ts';
import type { Verifier } from '../../provider.ts';
import { readHeader } from '../../signed-request.ts';
import { rejected, type Verification } from '../../verification.ts';
import { readStripeEvent } from './event.ts';

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
  const { secrets, toleranceSeconds } = parseSettings(settings);

  return (request, receivedAt) => {
    const header = readHeader(request, 'stripe-signature');
    if (header.kind === 'missing') return rejected('signature_missing', 'the Stripe-Signature header is missing');
    if (header.kind === 'unusable') return rejected('signature_malformed', header.reason);

    const signature = parseSignature(header.value);
    if (signature === null)
      return rejected('signature_malformed', 'the Stripe-Signature header is not t=<seconds>,v1=<hex>');

    const match = matchingSecret({
      algorithm: 'sha256',
      secrets,
      parts: [`${signature.timestamp}.`, request.body],
      signatures: signature.v1,
    });
    if (match === -1) return rejected('signature_mismatch', 'no v1 signature matches the body under any active secret');

    const ageSeconds = receivedAt.getTime() / 1000 - Number(signature.timestamp);
    if (Math.abs(ageSeconds) > toleranceSeconds)
      return rejected('signature_stale', `the signature's time is outside the window of ${toleranceSeconds} seconds`);

    return describe(request.body, `secret-${match + 1}`);
  };
}

function describe(body: Buffer, keyId: string): Verification {
  const event = readStripeEvent(body);
  if (event.kind === 'malformed')
    return { kind: 'malformed', tier: 'full', keyId, transmissionId: null, reason: event.reason };
  return { kind: 'verified', tier: 'full', keyId, transmissionId: null, events: [event.event] };
}

interface StripeSignature {
  /** Kept as sent: the signed string holds these very digits. */
  readonly timestamp: string;
  readonly v1: readonly Buffer[];
}

/** Stripe sends one `v1` for each active secret, of which there are two in a roll; more than this is not Stripe. */
const SIGNATURES_MAX = 8;

function parseSignature(value: string): StripeSignature | null {
  const timestamps: string[] = [];
  const v1: Buffer[] = [];
  for (const element of value.split(',')) {
    const separator = element.indexOf('=');
    const key = element.slice(0, separator).trim();
    const content = element.slice(separator + 1).trim();
    if (key === 't') timestamps.push(content);
    if (key === 'v1' && /^[0-9a-f]{64}$/i.test(content)) v1.push(Buffer.from(content, 'hex'));
  }
  const [timestamp] = timestamps;
  if (timestamp === undefined || timestamps.length > 1 || !/^\d{1,12}$/.test(timestamp)) return null;
  if (v1.length === 0 || v1.length > SIGNATURES_MAX) return null;
  return { timestamp, v1 };
}

const settingsSchema = z.object({
  /** Newest first; all of them are accepted. */
  secrets: z
    .array(
      z.string().regex(/^\S{8,255}$/, 'must be the signing secret as the dashboard shows it, starting with whsec_'),
    )
    .min(1, 'must name at least one signing secret'),
  /** Stripe's own default; each retry is signed anew. */
  toleranceSeconds: z.int().min(1).max(86_400).default(300),
});

function parseSettings(settings: unknown): z.infer<typeof settingsSchema> {
  const parsed = settingsSchema.safeParse(settings);
  if (parsed.success) return parsed.data;
  throw new ConfigurationError(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`));
}
