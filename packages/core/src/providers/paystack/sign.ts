import { createHmac } from 'node:crypto';

/** Signs a body as Paystack does, with the API secret key. */
export function signPaystackRequest(options: {
  readonly body: Buffer;
  readonly secret: string;
}): Record<string, string> {
  const signature = createHmac('sha512', options.secret).update(options.body).digest('hex');
  return { 'content-type': 'application/json', 'x-paystack-signature': signature };
}
