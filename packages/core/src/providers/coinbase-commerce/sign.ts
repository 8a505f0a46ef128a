import { createHmac } from 'node:crypto';

/** Signs a body as Coinbase Commerce does. The counterpart of verify.ts. */
export function signCoinbaseCommerceRequest(options: {
  readonly body: Buffer;
  readonly secret: string;
}): Record<string, string> {
  const signature = createHmac('sha256', options.secret).update(options.body).digest('hex');
  return { 'content-type': 'application/json', 'x-cc-webhook-signature': signature };
}
