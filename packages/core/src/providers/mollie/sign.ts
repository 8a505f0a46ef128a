import { createHmac } from 'node:crypto';

/** Signs a next-gen webhook as Mollie does, under each secret that is active. */
export function signMollieRequest(options: {
  readonly body: Buffer;
  readonly secrets: readonly string[];
}): Record<string, readonly string[]> {
  const signatures = options.secrets.map(
    (secret) => `sha256=${createHmac('sha256', secret).update(options.body).digest('hex')}`,
  );
  return { 'content-type': ['application/json'], 'x-mollie-signature': signatures };
}
