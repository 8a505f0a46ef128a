import { signStripeRequest } from '../providers/stripe/sign.ts';

/** A request that is no provider's, as it goes over the wire, and how it is refused. */
export interface ForgedRequest {
  readonly what: string;
  readonly status: number;
  /** HTTP/1.1, on a connection that stays open; the client's address as a proxy tells it. */
  readonly bytes: (client: string) => Buffer;
}

/**
 * Forgeries of every kind that somebody without the secret can send to a Stripe
 * endpoint: without a signature, with none that is one, with one of another
 * secret, with a genuine one over another body or of another day, to no
 * endpoint, of another media type, with a head that no provider sends.
 */
export function forgedRequests(given: {
  /** A genuine event, and the secret that it is signed with. */
  readonly event: Buffer;
  readonly secret: string;
  readonly path: string;
  readonly now: Date;
}): readonly ForgedRequest[] {
  const { event, secret, path, now } = given;
  const sign = (body: Buffer, options: { readonly secret: string; readonly signedAt: Date }) =>
    signStripeRequest({ body, secrets: [options.secret], signedAt: options.signedAt });
  const genuine = sign(event, { secret, signedAt: now });
  const json = { 'content-type': 'application/json' };
  const post = (what: string, status: number, of: Partial<WireRequest>): ForgedRequest => ({
    what,
    status,
    bytes: (client) =>
      onTheWire({
        method: 'POST',
        path,
        body: event,
        headers: genuine,
        ...of,
        client,
      }),
  });
  const tampered = Buffer.from(event.toString().replace('"amount":1', '"amount":9'));
  return [
    post('another secret', 401, { headers: sign(event, { secret: 'whsec_of_somebody_else', signedAt: now }) }),
    post('another body', 401, { body: tampered.equals(event) ? Buffer.concat([event, Buffer.from(' ')]) : tampered }),
    post('captured an hour ago', 401, {
      headers: sign(event, { secret, signedAt: new Date(now.getTime() - 3_600_000) }),
    }),
    post('no signature', 401, { headers: json }),
    post('a signature that is none', 401, { headers: { ...json, 'stripe-signature': 't=now,v1=zz' } }),
    post('a thousand signatures', 401, {
      headers: { ...json, 'stripe-signature': `t=1${',v1=aa'.repeat(1_000)}` },
    }),
    post('garbage', 401, { body: Buffer.alloc(event.length, 0xff) }),
    post('a hundred kilobytes', 401, { body: Buffer.alloc(100_000, 'x') }),
    post('another media type', 415, { headers: { ...genuine, 'content-type': 'text/plain' } }),
    post('no endpoint', 404, { path: `${path}-of-somebody-else` }),
    post('no webhook at all', 404, { method: 'GET', path: '/.env', body: Buffer.alloc(0), headers: {} }),
    post('another method', 405, { method: 'GET', body: Buffer.alloc(0), headers: {} }),
    post('a long address', 414, { path: `${path}?${'a'.repeat(4_000)}` }),
    post('many header lines', 431, {
      headers: { ...genuine, ...Object.fromEntries(Array.from({ length: 150 }, (_, line) => [`x-${line}`, 'a'])) },
    }),
  ];
}

interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly client: string;
}

function onTheWire({ method, path, headers, body, client }: WireRequest): Buffer {
  const lines = Object.entries({ host: '127.0.0.1', 'x-forwarded-for': client, ...headers });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.concat([
    Buffer.from(`${method} ${path} HTTP/1.1\r\n${head}content-length: ${body.length}\r\n\r\n`),
    body,
  ]);
}
