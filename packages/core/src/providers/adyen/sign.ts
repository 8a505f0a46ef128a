import { createHmac } from 'node:crypto';
import { readSignedItem, signedStrings } from './signed-fields.ts';

/** A NotificationRequestItem with what Adyen adds to it: the HMAC of its signed fields. */
export function signAdyenItem(options: {
  readonly item: Readonly<Record<string, unknown>>;
  readonly secret: string;
  /** Whether `:` and `\` inside fields are escaped; the official libraries do not. */
  readonly form?: 'plain' | 'escaped';
}): Record<string, unknown> {
  const { item, secret, form = 'plain' } = options;
  const signed = readSignedItem(item);
  if (signed === null) throw new Error('An item that cannot be read cannot be signed.');
  const strings = signedStrings(signed.fields);
  const string = form === 'plain' ? strings[0] : strings.at(-1);
  return {
    ...item,
    additionalData: { ...objectIn(item['additionalData']), hmacSignature: hmac(string ?? '', secret) },
  };
}

/** The body of a standard notification of these items, which must be signed already. */
export function adyenNotification(items: readonly unknown[], options: { readonly live: boolean }): Buffer {
  const notificationItems = items.map((NotificationRequestItem) => ({ NotificationRequestItem }));
  return Buffer.from(JSON.stringify({ live: String(options.live), notificationItems }));
}

/** The headers of a platform webhook, which is signed as a whole. */
export function signAdyenPlatformRequest(options: {
  readonly body: Buffer;
  readonly secret: string;
}): Record<string, string> {
  return {
    'content-type': 'application/json',
    hmacsignature: hmac(options.body, options.secret),
    protocol: 'HmacSHA256',
  };
}

function hmac(content: string | Buffer, secret: string): string {
  return createHmac('sha256', Buffer.from(secret, 'hex')).update(content).digest('base64');
}

function objectIn(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}
