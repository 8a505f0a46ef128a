import { createHash, timingSafeEqual } from 'node:crypto';

/** What a key may read. */
export const scopes = ['payments:read', 'events:read', 'payloads:read'] as const;
export type Scope = (typeof scopes)[number];

/** 12 hexadecimal digits that name the key, and a secret of 256 random bits. */
const form = /^psk_(?<id>[0-9a-f]{12})_(?<secret>[A-Za-z0-9_-]{43})$/;

/** What is shown once, and what is kept of it. */
export interface NewApiKey {
  readonly id: string;
  readonly token: string;
  readonly secretSha256: Buffer;
}

/** Makes a key of random bytes. */
export function makeApiKey(randomBytes: (size: number) => Buffer): NewApiKey {
  const id = randomBytes(6).toString('hex');
  const secret = randomBytes(32).toString('base64url');
  return { id, token: `psk_${id}_${secret}`, secretSha256: hashOf(secret) };
}

/** The parts of what a client sent, or null where it is no key. */
export function readApiKey(token: string): { readonly id: string; readonly secret: string } | null {
  const { id, secret } = form.exec(token)?.groups ?? {};
  return id === undefined || secret === undefined ? null : { id, secret };
}

/** Compares in a time that depends on neither: both are digests of one length. */
export function isSecretOf(secret: string, secretSha256: Buffer): boolean {
  return timingSafeEqual(hashOf(secret), secretSha256);
}

/**
 * One round of SHA-256. Slow hashes make up for passwords that can be guessed;
 * 256 random bits cannot. Source: NIST SP 800-63B, revision 3, 5.1.2.2: look-up secrets of
 * at least 112 bits of entropy need an approved one-way function, and no salt or stretching.
 */
function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
