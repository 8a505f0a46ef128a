import { createHmac, timingSafeEqual } from 'node:crypto';

export type HmacAlgorithm = 'sha256' | 'sha512' | 'sha1';

export const digestBytes = { sha256: 32, sha512: 64, sha1: 20 } as const satisfies Record<HmacAlgorithm, number>;

/**
 * Whether `signature` is the HMAC of `parts` (concatenated bytes) under one of
 * `secrets`; the matching secret's position, or -1.
 *
 * Every secret is tried and compared in constant time, so that the time taken
 * tells neither where a guess went wrong nor which secret is current.
 * RFC 2104; the comparison is over raw digests of equal length.
 */
export function matchingSecret(options: {
  readonly algorithm: HmacAlgorithm;
  readonly secrets: readonly (string | Buffer)[];
  readonly parts: readonly (string | Buffer)[];
  readonly signatures: readonly Buffer[];
}): number {
  let match = -1;
  for (const [position, secret] of options.secrets.entries()) {
    const hmac = createHmac(options.algorithm, secret);
    for (const part of options.parts) hmac.update(part);
    const expected = hmac.digest();
    for (const signature of options.signatures) {
      if (equalBytes(expected, signature) && match === -1) match = position;
    }
  }
  return match;
}

/** Constant-time equality; different lengths are unequal. */
export function equalBytes(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
