import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { signPayPalRequest } from '@penstock/core/providers/paypal/sign';
import { createThrowawayAuthority } from '@penstock/local/throwaway-authority';

/** Stands in for PayPal in a run: an authority made for it, and the address its certificate is fetched from. */
export interface PayPalSimulator extends AsyncDisposable {
  readonly origin: string;
  /** To be trusted by this run's ingest, and by nobody else. */
  readonly rootPem: string;
  /** Signs a notification as PayPal does. */
  readonly sign: (notification: {
    readonly body: Buffer;
    readonly webhookId: string;
    readonly sentAt: Date;
  }) => Readonly<Record<string, string>>;
}

const certificatePath = '/v1/notifications/certs/CERT-00000000-penstock-demo';

const DAY_MS = 86_400_000;

/** Starts it on a free loopback port. */
export async function startPayPalSimulator(now: Date): Promise<PayPalSimulator> {
  const authority = await createThrowawayAuthority({
    notBefore: new Date(now.getTime() - DAY_MS),
    notAfter: new Date(now.getTime() + 30 * DAY_MS),
  });
  const server = createServer((request, response) => {
    const found = request.method === 'GET' && request.url === certificatePath;
    response
      .writeHead(found ? 200 : 404, { 'content-type': 'application/x-pem-file' })
      .end(found ? authority.chainPem : '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the PayPal simulator has no port');
  const origin = `http://127.0.0.1:${address.port}`;
  return {
    origin,
    rootPem: authority.rootPem,
    sign: ({ body, webhookId, sentAt }) => ({
      'content-type': 'application/json',
      ...signPayPalRequest({
        body,
        webhookId,
        transmissionId: randomUUID(),
        transmissionTime: sentAt,
        certUrl: `${origin}${certificatePath}`,
        privateKeyPem: authority.leafPrivateKeyPem,
      }),
    }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
