import { createHash } from 'node:crypto';
import { equalBytes } from './hmac.ts';
import { secretsActiveAt, type RotatingSecret } from './rotating-secrets.ts';
import { readHeader, type RequestHead } from './signed-request.ts';
import { rejected, type Rejection } from './verification.ts';

/** Whether a token is one of ours. */
export type TokenCheck = { readonly kind: 'known'; readonly keyId: string } | Rejection;

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

/** The token that a header must hold as it is. */
export function tokenInHeader(
  head: RequestHead,
  name: string,
): { readonly kind: 'token'; readonly token: string } | Rejection {
  const header = readHeader(head, name);
  if (header.kind === 'missing') return rejected('signature_missing', `the ${name} header is missing`);
  if (header.kind === 'unusable') return rejected('signature_malformed', header.reason);
  return { kind: 'token', token: header.value };
}

const mismatch: TokenCheck = {
  kind: 'rejected',
  code: 'signature_mismatch',
  reason: 'the token is not one of the active secrets',
};

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
