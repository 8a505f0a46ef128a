import { createHmac } from 'node:crypto';

/** Signs a body as Lemon Squeezy does, with the webhook's signing secret. */
export function signLemonSqueezyRequest(options: {
  readonly body: Buffer;
  readonly secret: string;
}): Record<string, string> {
  const signature = createHmac('sha256', options.secret).update(options.body).digest('hex');
  return { 'content-type': 'application/json', 'x-signature': signature };
}
