import { createHmac } from 'node:crypto';

/**
 * Signs a body as Stripe does; one `v1` for each secret.
 * The counterpart of verify.ts, for tests and demonstrations.
 */
export function signStripeRequest(options: {
  readonly body: Buffer;
  readonly secrets: readonly string[];
  readonly signedAt: Date;
}): Record<string, string> {
  const timestamp = Math.floor(options.signedAt.getTime() / 1000);
  const signatures = options.secrets.map((secret) =>
    createHmac('sha256', secret).update(`${timestamp}.`).update(options.body).digest('hex'),
  );
  return {
    'content-type': 'application/json; charset=utf-8',
    'stripe-signature': [`t=${timestamp}`, ...signatures.map((signature) => `v1=${signature}`)].join(','),
  };
}
