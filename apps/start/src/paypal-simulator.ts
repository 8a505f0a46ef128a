import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { signPayPalRequest } from '@penstock/core/providers/paypal/sign';
import { createThrowawayAuthority } from '@penstock/local/throwaway-authority';

/**
 * Stands in for PayPal in a run: an authority made for it, the address its
 * certificate is fetched from, and the API that events are confirmed with.
 */
export interface PayPalSimulator extends AsyncDisposable {
  readonly origin: string;
  /** To be trusted by this run's ingest, and by nobody else. */
  readonly rootPem: string;
  /** Signs a notification as PayPal does; its API knows the first body signed under an id from then on. */
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
  const events = new Map<string, Buffer>();
  const server = createServer((request, response) => {
    const { status, contentType, body } = answer(request, { certificate: authority.chainPem, events });
    response.writeHead(status, { 'content-type': contentType }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the PayPal simulator has no port');
  const origin = `http://127.0.0.1:${address.port}`;
  return {
    origin,
    rootPem: authority.rootPem,
    sign: ({ body, webhookId, sentAt }) => {
      const id = /"id":"(WH-[^"]+)"/.exec(body.toString('utf8'))?.[1];
      if (id !== undefined && !events.has(id)) events.set(id, body);
      return {
        'content-type': 'application/json',
        ...signPayPalRequest({
          body,
          webhookId,
          transmissionId: randomUUID(),
          transmissionTime: sentAt,
          certUrl: `${origin}${certificatePath}`,
          privateKeyPem: authority.leafPrivateKeyPem,
        }),
      };
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

const eventsPath = '/v1/notifications/webhooks-events/';

function answer(
  { method, url = '', headers }: IncomingMessage,
  known: { readonly certificate: string; readonly events: ReadonlyMap<string, Buffer> },
): { readonly status: number; readonly contentType: string; readonly body: string | Buffer } {
  if (method === 'GET' && url === certificatePath)
    return { status: 200, contentType: 'application/x-pem-file', body: known.certificate };
  if (method === 'POST' && url === '/v1/oauth2/token')
    return { status: 200, contentType: 'application/json', body: '{"access_token":"simulated","expires_in":3600}' };
  if (method === 'GET' && url.startsWith(eventsPath) && headers.authorization === 'Bearer simulated') {
    const body = known.events.get(decodeURIComponent(url.slice(eventsPath.length)));
    if (body !== undefined) return { status: 200, contentType: 'application/json', body };
  }
  return { status: 404, contentType: 'application/json', body: '' };
}
