import { createHmac, createPrivateKey, sign } from 'node:crypto';

/** PKCS #8 of an ed25519 private key, up to its 32-byte seed (RFC 8410). */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * Signs a body as Standard Webhooks asks: `v1` under a `whsec_` secret, `v1a`
 * under a `whsk_` private key (seed, then public key), and under anything else
 * `v1` keyed with its text. The counterpart of verify.ts.
 */
export function signStandardWebhooksRequest(options: {
  readonly body: Buffer;
  readonly secrets: readonly string[];
  readonly id: string;
  readonly signedAt: Date;
  readonly family: 'webhook' | 'svix';
}): Record<string, string> {
  const { body, secrets, id, signedAt, family } = options;
  const timestamp = Math.floor(signedAt.getTime() / 1000);
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  return {
    'content-type': 'application/json',
    [`${family}-id`]: id,
    [`${family}-timestamp`]: String(timestamp),
    [`${family}-signature`]: secrets.map((secret) => signatureUnder(secret, signed)).join(' '),
  };
}

function signatureUnder(secret: string, signed: Buffer): string {
  if (secret.startsWith('whsk_')) {
    const seed = Buffer.from(secret.slice('whsk_'.length), 'base64').subarray(0, 32);
    const key = createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' });
    return `v1a,${sign(null, signed, key).toString('base64')}`;
  }
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : secret;
  return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
}
