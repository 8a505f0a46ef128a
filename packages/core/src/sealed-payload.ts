import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import { PermanentError } from './failure.ts';
import type { PayloadKeys } from './payload-keys.ts';

/**
 * A sealed payload is a mark, the key's id with its length before it, a nonce,
 * a tag and the ciphertext of AES-256-GCM (NIST SP 800-38D). The mark begins
 * with a NUL, which neither JSON nor a form does, and ends with the version.
 *
 * What it is sealed to (`SealedPlace`) is its associated data, and also what the
 * key for it is derived with: a ciphertext put anywhere else does not open, and
 * no key sees two nonces but of one place, so that the 2^32 messages which
 * random nonces of 96 bits allow a key (8.3) are never near.
 */
const MARK = Buffer.from([0x00, 0x50, 0x53, 0x01]);
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Where a payload belongs: a table or the queue, and what names its row there. */
export interface SealedPlace {
  readonly kept: 'events' | 'confirmations' | 'collisions' | 'outbox' | 'queue';
  readonly row: readonly (string | number)[];
}

/** Seals bytes to their place under the active key. */
export function sealPayload(keys: PayloadKeys, payload: Buffer, place: SealedPlace): Buffer {
  const associated = associatedDataOf(place);
  const nonce = keys.newNonce();
  const cipher = createCipheriv('aes-256-gcm', keyFor(keys, { keyId: keys.active, associated }), nonce);
  cipher.setAAD(associated);
  const text = [cipher.update(payload), cipher.final()];
  return Buffer.concat([sealedHead(keys.active), nonce, cipher.getAuthTag(), ...text]);
}

/** Whether bytes say that they are sealed. A body of a provider's could say so too: see its hash. */
export function isSealed(stored: Buffer): boolean {
  return stored.length > MARK.length && stored.compare(MARK, 0, MARK.length, 0, MARK.length) === 0;
}

/**
 * Opens what was sealed to this place. Throws PermanentError
 * `payload_key_unknown` where its key is not among those given, and
 * `payload_tampered` where it is not what was sealed, or not here.
 */
export function openPayload(keys: PayloadKeys | null, stored: Buffer, place: SealedPlace): Buffer {
  const { keyId, nonce, tag, text } = partsOf(stored);
  if (keys === null || !keys.keys.has(keyId))
    throw new PermanentError(
      'payload_key_unknown',
      `a payload of ${place.kept} is sealed with key ${keyId}; add it to PAYLOAD_KEYS`,
    );
  const associated = associatedDataOf(place);
  const decipher = createDecipheriv('aes-256-gcm', keyFor(keys, { keyId, associated }), nonce, {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(associated).setAuthTag(tag);
  try {
    return Buffer.concat([decipher.update(text), decipher.final()]);
  } catch {
    throw tampered(place.kept);
  }
}

/** What everything begins with that a key has sealed. */
export function sealedHead(keyId: string): Buffer {
  return Buffer.concat([MARK, Buffer.from([keyId.length]), Buffer.from(keyId, 'latin1')]);
}

/** The id of the key that sealed it. Throws PermanentError `payload_tampered` for what nobody sealed. */
export function sealingKeyOf(stored: Buffer): string {
  return partsOf(stored).keyId;
}

function partsOf(stored: Buffer) {
  const idLength = stored[MARK.length] ?? 0;
  const nonceAt = MARK.length + 1 + idLength;
  const textAt = nonceAt + NONCE_BYTES + TAG_BYTES;
  if (!isSealed(stored) || idLength === 0 || stored.length < textAt) throw tampered('a payload');
  return {
    keyId: stored.toString('latin1', MARK.length + 1, nonceAt),
    nonce: stored.subarray(nonceAt, nonceAt + NONCE_BYTES),
    tag: stored.subarray(nonceAt + NONCE_BYTES, textAt),
    text: stored.subarray(textAt),
  };
}

/** JSON: no two places read alike. */
function associatedDataOf({ kept, row }: SealedPlace): Buffer {
  return Buffer.from(JSON.stringify(['penstock', kept, ...row]));
}

function keyFor(
  keys: PayloadKeys,
  { keyId, associated }: { readonly keyId: string; readonly associated: Buffer },
): Buffer {
  // Callers have looked whether it is there.
  return createHmac('sha256', keys.keys.get(keyId) ?? '')
    .update(associated)
    .digest();
}

function tampered(where: string): PermanentError {
  return new PermanentError(
    'payload_tampered',
    `a sealed payload of ${where} does not open: it was changed, or belongs to another row`,
  );
}
