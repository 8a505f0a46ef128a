import { createHmac } from 'node:crypto';

/** Signs a body as GoCardless does. Source: gocardless-nodejs src/webhooks.ts. */
export function signGoCardlessRequest(options: {
  readonly body: Buffer;
  readonly secret: string;
}): Record<string, string> {
  const signature = createHmac('sha256', options.secret).update(options.body).digest('hex');
  return { 'content-type': 'application/json', 'webhook-signature': signature };
}
