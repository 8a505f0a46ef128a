import { decodeSignature, verifyHmac, type HmacScheme, type SignatureReading } from '../../hmac-verifier.ts';
import { noEvent } from '../../json-body.ts';
import { parseSettings } from '../../provider-settings.ts';
import type { SignedRequest } from '../../signed-request.ts';
import { rejected, type EventsReading, type Verification } from '../../verification.ts';
import { payloadSha256, readForm } from './form.ts';
import { keyPairOf, settingsSchema, signingKey } from './key-pair.ts';
import { notification, readXml } from './notification.ts';

/**
 * Verifies Braintree's form: `bt_signature` holds `<public key>|<hex
 * HMAC-SHA1>` pairs joined by `&`, one for each key of the merchant, over
 * `bt_payload` as received, keyed with the SHA-1 of the private key. A payload
 * that lost its last newline is tried with one. No time is signed apart from
 * the payload's own. Source: braintree webhook_notification_gateway.js and
 * digest.js; unlike it, every pair under one of our public keys is tried, and
 * a signature is exactly 40 hex digits (the SDK ignores what follows a second
 * `|`, and NULs).
 */
export function createBraintreeVerifier(settings: unknown): (request: SignedRequest, receivedAt: Date) => Verification {
  const { secrets } = parseSettings(settingsSchema, settings);
  const publicKeys: ReadonlySet<string> = new Set(secrets.map(({ value }) => keyPairOf(value).publicKey));
  return (request, receivedAt) => {
    const form = readForm(request.body);
    if (form.kind === 'missing') return rejected('signature_missing', form.reason);
    if (form.kind === 'malformed') return rejected('signature_malformed', form.reason);

    const verifyWith = (suffix: string): Verification =>
      verifyHmac(schemeOf({ ...form, publicKeys, suffix }), { secrets, request, receivedAt });
    const verification = verifyWith('');
    return verification.kind === 'rejected' ? verifyWith('\n') : verification;
  };
}

function schemeOf(form: {
  readonly signature: string;
  readonly payload: string;
  readonly publicKeys: ReadonlySet<string>;
  readonly suffix: string;
}): HmacScheme {
  return {
    tier: 'body',
    algorithm: 'sha1',
    keyOf: (secret) => signingKey(keyPairOf(secret)),
    readSignatures: () => readSignatures(form.signature, form.publicKeys),
    signedParts: () => [form.payload, form.suffix],
    window: null,
    readEvents: () => readEvents(form.payload),
  };
}

/** The signatures made under our public keys; other keys of the merchant are not ours to check. */
function readSignatures(text: string, publicKeys: ReadonlySet<string>): SignatureReading {
  const pairs = text.split('&').map((pair) => pair.split('|'));
  if (!pairs.some((pair) => pair.length > 1))
    return { kind: 'malformed', reason: 'bt_signature is not <public key>|<signature>' };
  const ours = pairs.filter(([publicKey = '']) => publicKeys.has(publicKey));
  const signatures = ours.map(([, hex = '', ...rest]) => (rest.length === 0 ? decodeSignature(hex, 'hex', 20) : null));
  const decoded = signatures.filter((signature) => signature !== null);
  return decoded.length === signatures.length
    ? { kind: 'signatures', signatures: decoded, timestamp: null }
    : { kind: 'malformed', reason: 'the signature under our public key in bt_signature is not 20 bytes in hex' };
}

function readEvents(payload: string): EventsReading {
  const reading = readXml(payload);
  if (reading.kind === 'malformed') return reading;
  const parsed = notification.safeParse(reading.value);
  if (!parsed.success) return noEvent(parsed.error);
  const { kind, timestamp, 'source-merchant-id': merchant } = parsed.data.notification;
  return {
    kind: 'events',
    events: [
      {
        eventId: payloadSha256(payload),
        type: kind,
        occurredAt: new Date(timestamp),
        livemode: null,
        apiVersion: null,
        providerAccount: merchant ?? null,
      },
    ],
  };
}
