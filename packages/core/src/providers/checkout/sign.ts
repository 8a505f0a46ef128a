import { createHmac } from 'node:crypto';

/** Signs a body as Checkout.com does. The counterpart of verify.ts. */
export function signCheckoutRequest(options: {
  readonly body: Buffer;
  readonly secret: string;
}): Record<string, string> {
  const signature = createHmac('sha256', options.secret).update(options.body).digest('hex');
  return { 'content-type': 'application/json', 'cko-signature': signature };
}
