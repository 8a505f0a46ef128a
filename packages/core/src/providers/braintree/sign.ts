import { createHmac } from 'node:crypto';
import { keyPairOf, signingKey } from './key-pair.ts';

/**
 * Signs a payload as Braintree does: `<public key>|<hex HMAC-SHA1>`. `secret`
 * is `<public key>|<private key>`.
 */
export function signBraintreePayload(options: { readonly payload: string; readonly secret: string }): string {
  const pair = keyPairOf(options.secret);
  return `${pair.publicKey}|${createHmac('sha1', signingKey(pair)).update(options.payload).digest('hex')}`;
}

/** A notification's XML as the form that Braintree posts. */
export function signBraintreeForm(options: { readonly xml: Buffer; readonly secret: string }): Buffer {
  const payload = `${options.xml.toString('base64')}\n`;
  const signature = signBraintreePayload({ payload, secret: options.secret });
  return Buffer.from(new URLSearchParams({ bt_signature: signature, bt_payload: payload }).toString());
}
