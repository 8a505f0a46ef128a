import { createHash } from 'node:crypto';
import { equalBytes } from './hmac.ts';
import { secretsActiveAt, type RotatingSecret } from './rotating-secrets.ts';
import type { Verification } from './verification.ts';

/** Whether a token is one of ours. */
export type TokenCheck =
  | { readonly kind: 'known'; readonly keyId: string }
  | Extract<Verification, { readonly kind: 'rejected' }>;

/**
 * Compares a token that stands in the request as it is with every active
 * secret. Their hashes are compared, in constant time: the time taken tells
 * neither where a guess went wrong, nor how long the secret is, nor which matched.
 *
 * It proves that the sender knows the token, and nothing of what is sent: the
 * tier is `none`.
 */
export function checkStaticToken(
  token: string,
  context: { readonly secrets: readonly RotatingSecret[]; readonly receivedAt: Date },
): TokenCheck {
  const given = sha256(token);
  let keyId: string | null = null;
  for (const { name, value } of secretsActiveAt(context.secrets, context.receivedAt)) {
    if (equalBytes(given, sha256(value)) && keyId === null) keyId = name;
  }
  return keyId === null ? mismatch : { kind: 'known', keyId };
}

const mismatch: TokenCheck = {
  kind: 'rejected',
  code: 'signature_mismatch',
  reason: 'the token is not one of the active secrets',
};

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
