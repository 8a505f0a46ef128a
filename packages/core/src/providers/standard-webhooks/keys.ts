import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { matchingSecret } from '../../hmac.ts';
import type { RotatingSecret } from '../../rotating-secrets.ts';

/** A key of an endpoint, ready for use. */
export type WebhookKey =
  | { readonly kind: 'hmac'; readonly name: string; readonly key: Buffer }
  | { readonly kind: 'ed25519'; readonly name: string; readonly key: KeyObject };

/** One signature of the header, by the version it was made with. */
export interface WebhookSignature {
  readonly kind: WebhookKey['kind'];
  readonly bytes: Buffer;
}

export type SecretFormat = 'base64' | 'raw';

/** How the specification marks a public key and a symmetric secret. */
const PUBLIC_KEY_PREFIX = 'whpk_';
const SECRET_PREFIX = 'whsec_';

/**
 * The key a setting stands for, or null where it is none: `whpk_` and the
 * base64 of 32 bytes is an ed25519 public key; anything else is an HMAC secret,
 * base64 behind an optional `whsec_`, or taken to the letter in the format
 * `raw`. Source: Standard Webhooks 1.0.0, "Signature scheme"; standardwebhooks
 * dist/index.js for `raw`.
 */
export function webhookKey(secret: RotatingSecret, format: SecretFormat): WebhookKey | null {
  const { name, value } = secret;
  if (value.startsWith(PUBLIC_KEY_PREFIX)) {
    const bytes = strictBase64(value.slice(PUBLIC_KEY_PREFIX.length));
    return bytes?.length === 32 ? { kind: 'ed25519', name, key: publicKeyOf(bytes) } : null;
  }
  if (format === 'raw') return { kind: 'hmac', name, key: Buffer.from(value) };
  const key = strictBase64(value.startsWith(SECRET_PREFIX) ? value.slice(SECRET_PREFIX.length) : value);
  return key === null ? null : { kind: 'hmac', name, key };
}

/** The first of the keys under which one of the signatures matches, of its own kind; null where none does. */
export function matchingKey(options: {
  readonly keys: readonly WebhookKey[];
  readonly signatures: readonly WebhookSignature[];
  readonly signed: Buffer;
}): WebhookKey | null {
  const { keys, signatures, signed } = options;
  let match: WebhookKey | null = null;
  // Every key is tried, so that the time taken does not tell which one is current.
  for (const candidate of keys) {
    const { kind, key } = candidate;
    const own = signatures.filter((signature) => signature.kind === kind).map(({ bytes }) => bytes);
    const genuine =
      key instanceof Buffer
        ? matchingSecret({ algorithm: 'sha256', secrets: [key], parts: [signed], signatures: own }) === 0
        : own.some((bytes) => verify(null, signed, key, bytes));
    if (genuine && match === null) match = candidate;
  }
  return match;
}

function publicKeyOf(bytes: Buffer): KeyObject {
  return createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') } });
}

/** Buffer forgives what base64 does not allow; encoding it again does not. */
function strictBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length > 0 && bytes.toString('base64') === text ? bytes : null;
}
