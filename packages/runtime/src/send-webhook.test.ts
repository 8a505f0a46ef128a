import { createServer } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { addressGuard } from './address-guard.ts';
import { sendWebhook, type ResolveName, type WebhookToSend } from './send-webhook.ts';

let arrived: { readonly path: string; readonly host: string; readonly body: string }[] = [];
let answer: { readonly status: number; readonly headers?: Record<string, string> } | 'hang' = { status: 200 };

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    arrived.push({
      path: request.url ?? '',
      host: request.headers.host ?? '',
      body: Buffer.concat(chunks).toString('utf8'),
    });
    if (answer !== 'hang') response.writeHead(answer.status, answer.headers).end('x'.repeat(100_000));
  });
});
let port = 0;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});
beforeEach(() => {
  arrived = [];
  answer = { status: 200 };
});

test('a webhook arrives as it was made, and its answer is told', async () => {
  answer = { status: 503, headers: { 'retry-after': '7' } };
  expect(await send({ url: `http://127.0.0.1:${port}/hook?a=1` })).toEqual({
    kind: 'answered',
    status: 503,
    retryAfter: '7',
  });
  expect(arrived).toEqual([{ path: '/hook?a=1', host: `127.0.0.1:${port}`, body: 'the body' }]);
});

test('a redirect is an answer, and is not followed', async () => {
  answer = { status: 302, headers: { location: `http://127.0.0.1:${port}/elsewhere` } };
  expect(await send({})).toMatchObject({ kind: 'answered', status: 302 });
  expect(arrived).toHaveLength(1);
});

test('who does not answer in time has failed', async () => {
  answer = 'hang';
  expect(await send({ timeoutMs: 100 })).toMatchObject({ kind: 'failed' });
  expect(await send({ url: 'http://127.0.0.1:9/' })).toMatchObject({
    kind: 'failed',
    reason: expect.stringContaining('ECONNREFUSED'),
  });
});

test.each([
  'http://127.0.0.1',
  'http://2130706433',
  'http://0x7f000001',
  'http://0177.0.0.1',
  'http://127.1',
  'http://[::1]',
  'http://[::ffff:127.0.0.1]',
  'http://[::ffff:7f00:1]',
  'http://[0:0:0:0:0:ffff:7f00:1]',
  'http://localhost',
])('this machine is not sent to as %s', async (origin) => {
  expect(await send({ url: `${origin}:${port}/`, guard: addressGuard(false) })).toMatchObject({ kind: 'refused' });
  expect(arrived).toEqual([]);
});

test('a name that leads to a private address is refused, also where only one of its addresses does', async () => {
  const guard = addressGuard(false);
  for (const addresses of [['127.0.0.1'], ['93.184.215.14', '127.0.0.1'], ['::ffff:10.0.0.1']])
    expect(
      await send({ url: `http://hooks.example.org:${port}/`, guard, resolve: resolving([addresses]) }),
    ).toMatchObject({ kind: 'refused' });
  expect(arrived).toEqual([]);
});

test('a name is asked once: the connection goes to the address that was judged, whatever DNS says next', async () => {
  const asked: string[] = [];
  const resolve = resolving([['127.0.0.1'], ['192.0.2.1']], asked);
  expect(await send({ url: `http://hooks.example.org:${port}/`, resolve })).toMatchObject({ status: 200 });
  expect(asked).toEqual(['hooks.example.org']);
  expect(arrived[0]?.host).toBe(`hooks.example.org:${port}`);
});

function send(given: Partial<Omit<WebhookToSend, 'url'>> & { readonly url?: string }) {
  return sendWebhook({
    headers: { 'content-type': 'text/plain' },
    body: Buffer.from('the body'),
    timeoutMs: 2_000,
    guard: addressGuard(true),
    ...given,
    url: new URL(given.url ?? `http://127.0.0.1:${port}/`),
  });
}

/** A name server that answers each question otherwise. */
function resolving(answers: readonly (readonly string[])[], asked: string[] = []): ResolveName {
  const left = [...answers];
  return async (name) => {
    asked.push(name);
    const addresses = (left.length > 1 ? left.shift() : left[0]) ?? [];
    return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  };
}
