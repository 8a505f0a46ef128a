import { createHmac } from 'node:crypto';

/** Signs a body as Square does, for the notification URL as registered. */
export function signSquareRequest(options: {
  readonly body: Buffer;
  readonly secret: string;
  readonly notificationUrl: string;
}): Record<string, string> {
  const signature = createHmac('sha256', options.secret)
    .update(options.notificationUrl)
    .update(options.body)
    .digest('base64');
  return { 'content-type': 'application/json', 'x-square-hmacsha256-signature': signature };
}
