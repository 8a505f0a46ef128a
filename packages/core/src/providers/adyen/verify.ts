import * as z from 'zod';
import { decodeSignature, signatureInHeader, verifyHmac, verifyProven, type HmacScheme } from '../../hmac-verifier.ts';
import { matchingSecret } from '../../hmac.ts';
import { readJsonBody } from '../../json-body.ts';
import type { Verifier } from '../../provider.ts';
import { parseSettings } from '../../provider-settings.ts';
import { rotatingSecrets, secretsActiveAt, type RotatingSecret } from '../../rotating-secrets.ts';
import type { SignedRequest } from '../../signed-request.ts';
import { rejected, type Verification } from '../../verification.ts';
import { describeItems, describePlatformEvent, itemIn } from './events.ts';
import { readSignedItem, signedStrings, type SignedItem } from './signed-fields.ts';

/**
 * Verifies Adyen's webhooks, of both families:
 *
 * - Standard notifications carry one HMAC an item, in the item, over eight of
 *   its fields (tier `partial`). Every item must verify, or none is taken.
 * - Platform, management and the other typed webhooks carry one HMAC over the
 *   raw body in the `hmacsignature` header (tier `body`).
 *
 * Base64 HMAC-SHA256, keyed with the bytes that the HMAC key spells in
 * hexadecimal. No time is signed: repetition is the ledger's to stop.
 * Source: @adyen/api-library src/utils/hmacValidator.ts; unlike it, a key that
 * is not hexadecimal is refused at start instead of being cut off.
 */
export function createAdyenVerifier(settings: unknown): Verifier {
  const { secrets } = parseSettings(settingsSchema, settings);
  return (request, receivedAt) => {
    const items = itemsOf(request.body);
    if (items === null) return verifyHmac(platformScheme, { secrets, request, receivedAt });
    return verifyItems(items, { secrets, request, receivedAt });
  };
}

/** Adyen sends one item in a JSON notification (webhook structure and types); a handful leaves room. */
export const ADYEN_ITEMS_MAX = 100;

/** A key that the SDK would read up to its first wrong digit verifies nothing, or too much. */
const settingsSchema = z.strictObject({
  secrets: rotatingSecrets.refine(
    (secrets) => secrets.every(({ value }) => /^(?:[0-9a-f]{2}){16,}$/i.test(value)),
    'each must be the HMAC key as Adyen shows it: at least 32 hexadecimal digits',
  ),
  /** How the merchant account captures; what the worker makes of an authorisation depends on it. */
  capture: z.enum(['manual', 'automatic'], { error: 'must be manual or automatic' }).default('manual'),
});

const platformScheme: HmacScheme = {
  tier: 'body',
  algorithm: 'sha256',
  readSignatures: signatureInHeader({ header: 'hmacsignature', encoding: 'base64', bytes: 32 }),
  signedParts: ({ body }) => [body],
  keyOf,
  window: null,
  readEvents: ({ body }) => describePlatformEvent(body),
};

const standardEnvelope = z.object({ live: z.unknown(), notificationItems: z.array(z.unknown()) });
type StandardEnvelope = z.output<typeof standardEnvelope>;

/**
 * The items of a standard notification; null for any other body. Its shape
 * decides which signature is asked for, and no more: nothing of it is believed
 * before that signature has matched.
 */
function itemsOf(body: Buffer): StandardEnvelope | null {
  const reading = readJsonBody(body, standardEnvelope);
  return reading.kind === 'json' ? reading.value : null;
}

function verifyItems(
  envelope: StandardEnvelope,
  context: { readonly secrets: readonly RotatingSecret[]; readonly request: SignedRequest; readonly receivedAt: Date },
): Verification {
  const { request, receivedAt } = context;
  const count = envelope.notificationItems.length;
  if (count === 0) return rejected('signature_missing', 'the notification has no items, so no signature');
  if (count > ADYEN_ITEMS_MAX)
    return rejected('signature_malformed', `the notification has more than ${ADYEN_ITEMS_MAX} items`);

  const secrets = secretsActiveAt(context.secrets, receivedAt);
  const keyIds = new Set<string>();
  for (const wrapper of envelope.notificationItems) {
    const item = readSignedItem(itemIn(wrapper));
    if (item === null || item.signature === null || item.signature === '')
      return rejected('signature_missing', 'an item of the notification has no additionalData.hmacSignature');
    const signature = decodeSignature(item.signature, 'base64', 32);
    if (signature === null)
      return rejected('signature_malformed', 'additionalData.hmacSignature is not 32 bytes in base64');
    const secret = secretOf(item, { secrets, signature });
    if (secret === undefined)
      return rejected('signature_mismatch', 'no signature matches an item of the notification under any active secret');
    keyIds.add(secret.name);
  }
  return verifyProven(
    { tier: 'partial', window: null, readEvents: () => describeItems(envelope) },
    { request, receivedAt, timestamp: null, keyId: [...keyIds].join('+') },
  );
}

function secretOf(
  item: SignedItem,
  options: { readonly secrets: readonly RotatingSecret[]; readonly signature: Buffer },
): RotatingSecret | undefined {
  for (const signed of signedStrings(item.fields)) {
    const position = matchingSecret({
      algorithm: 'sha256',
      secrets: options.secrets.map(({ value }) => keyOf(value)),
      parts: [signed],
      signatures: [options.signature],
    });
    if (position !== -1) return options.secrets[position];
  }
  return undefined;
}

function keyOf(secret: string): Buffer {
  return Buffer.from(secret, 'hex');
}
