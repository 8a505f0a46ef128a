import { createHmac, sign } from 'node:crypto';
import { demoMessage, paypalMessage } from './signed-message.ts';

/** The headers of one signed delivery, lower case, to be sent with exactly the body that was signed. */
export type SignatureHeaders = Readonly<Record<string, string>>;

export interface Signable {
  readonly body: Buffer;
  readonly webhookId: string;
  readonly transmissionId: string;
  readonly transmissionTime: Date;
}

/** Signs as PayPal does: RSA PKCS #1 v1.5 with SHA-256, over a CRC32 of the body. Throws if the key is not a private key in PEM. */
export function signPayPalRequest({
  certUrl,
  privateKeyPem,
  ...delivery
}: Signable & { readonly certUrl: string; readonly privateKeyPem: string }): SignatureHeaders {
  const transmissionTime = writeSeconds(delivery.transmissionTime);
  const signature = sign('sha256', Buffer.from(paypalMessage({ ...delivery, transmissionTime })), privateKeyPem);
  return {
    'paypal-transmission-id': delivery.transmissionId,
    'paypal-transmission-time': transmissionTime,
    'paypal-transmission-sig': signature.toString('base64'),
    'paypal-cert-url': certUrl,
    'paypal-auth-algo': 'SHA256withRSA',
    'paypal-auth-version': 'v2',
  };
}

/** Signs for an endpoint in mode demo-hmac, with no certificate and no PayPal. */
export function signDemoHmac({ secret, ...delivery }: Signable & { readonly secret: string }): SignatureHeaders {
  const transmissionTime = writeSeconds(delivery.transmissionTime);
  return {
    'paypal-transmission-id': delivery.transmissionId,
    'paypal-transmission-time': transmissionTime,
    'paypal-transmission-sig': createHmac('sha256', secret)
      .update(demoMessage({ ...delivery, transmissionTime }))
      .digest('base64'),
    'paypal-auth-algo': 'HmacSHA256',
  };
}

/** PayPal writes whole seconds. */
function writeSeconds(time: Date): string {
  return time.toISOString().replace(/\.\d{3}Z$/, 'Z');
}
