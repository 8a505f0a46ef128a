import { createHmac } from 'node:crypto';

/** Signs a body as Razorpay does. The event id that it sends beside it is not signed. */
export function signRazorpayRequest(options: {
  readonly body: Buffer;
  readonly secret: string;
}): Record<string, string> {
  const signature = createHmac('sha256', options.secret).update(options.body).digest('hex');
  return { 'content-type': 'application/json', 'x-razorpay-signature': signature };
}
