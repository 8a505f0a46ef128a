import { createServer } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { OutgoingRequest } from '@penstock/core/provider';
import { providerEffects } from './http-exchange.ts';

/** What the server answers next; the last one stays. Null hangs up. */
let answers: (number | null)[] = [];
let arrived = 0;
let release: () => void = () => undefined;
let held: Promise<void> = Promise.resolve();

const server = createServer((request, response) => {
  if (request.url === '/free') return void response.end();
  arrived += 1;
  const status = answers.length > 1 ? answers.shift() : answers[0];
  void held.then(() => {
    if (status == null) response.destroy();
    else response.writeHead(status).end('said');
  });
});
let origin = '';

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  origin = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});
beforeEach(() => {
  answers = [200];
  arrived = 0;
  held = Promise.resolve();
});

/** Nothing but `/free` is answered until it is released. */
function hold(): void {
  held = new Promise((resolve) => {
    release = resolve;
  });
}

test('a GET that was cut off, or found the service away, is tried again as often as is allowed', async () => {
  const { exchange } = providerEffects({ production: false, retriesMax: 2 });
  answers = [null, 503, 200];
  expect((await exchange(get('/'))).status).toBe(200);
  expect(arrived).toBe(3);
});

test('a POST is never tried again, and where somebody waits for the answer no GET is', async () => {
  answers = [null];
  await expect(
    providerEffects({ production: false, retriesMax: 2 }).exchange({ ...get('/'), method: 'POST', body: 'x' }),
  ).rejects.toMatchObject({ code: 'provider_unreachable' });
  await expect(providerEffects({ production: false, retriesMax: 0 }).exchange(get('/'))).rejects.toMatchObject({
    code: 'provider_unreachable',
  });
  expect(arrived).toBe(2);
});

test('what says "not you" is an answer: it is not tried again and opens no circuit', async () => {
  const { exchange } = providerEffects({ production: false, retriesMax: 2 });
  answers = [404];
  for (let time = 0; time < 10; time += 1) expect((await exchange(get('/'))).status).toBe(404);
  expect(arrived).toBe(10);
});

test('after five failures in a row a service is left alone, at once and without a request', async () => {
  const { exchange } = providerEffects({ production: false, retriesMax: 0 });
  answers = [500];
  for (let time = 0; time < 5; time += 1) expect((await exchange(get('/'))).status).toBe(500);
  await expect(exchange(get('/'))).rejects.toMatchObject({ code: 'provider_away', retryAfterMs: 10_000 });
  expect(arrived).toBe(5);
});

test('one service in trouble does not close the way to another', async () => {
  const { exchange } = providerEffects({ production: false, retriesMax: 0 });
  const nowhere = { ...get('/'), url: 'http://127.0.0.1:9/' };
  for (let time = 0; time < 6; time += 1) await expect(exchange(nowhere)).rejects.toThrow();
  expect((await exchange(get('/'))).status).toBe(200);
});

test('identical requests that wait are one request; others are their own', async () => {
  const { exchange } = providerEffects({ production: false, retriesMax: 0 });
  hold();
  const first = exchange(get('/same'));
  await expect.poll(() => arrived).toBe(1);
  const many = Array.from({ length: 50 }, () => exchange(get('/same')));
  const other = exchange(get('/other'));
  const foreign = exchange({ ...get('/same'), headers: { authorization: 'Bearer other' } });
  release();
  for (const response of await Promise.all([first, ...many, other, foreign]))
    expect(response.body.toString()).toBe('said');
  expect(arrived).toBe(4);
  await exchange(get('/same'));
  expect(arrived).toBe(5);
});

test('an answer is never older than the question: what is under way is not joined, what waits is', async () => {
  const { exchange } = providerEffects({ production: false, retriesMax: 0 });
  answers = [201, 202, 203];
  hold();
  const first = exchange(get('/'));
  await expect.poll(() => arrived).toBe(1);
  const later = [exchange(get('/')), exchange(get('/'))];
  release();
  expect((await first).status).toBe(201);
  expect((await Promise.all(later)).map(({ status }) => status)).toEqual([202, 202]);
  expect((await exchange(get('/'))).status).toBe(203);
});

test('of one question a single request is under way at a time, whatever becomes of the one before', async () => {
  const { exchange } = providerEffects({ production: false, retriesMax: 0 });
  answers = [null, 200];
  hold();
  const first = exchange(get('/'));
  await expect.poll(() => arrived).toBe(1);
  const second = exchange(get('/'));
  // Whatever could be sent beside it is sent, and answered, before this is.
  await exchange(get('/free'));
  expect(arrived).toBe(1);
  release();
  await expect(first).rejects.toMatchObject({ code: 'provider_unreachable' });
  expect((await second).status).toBe(200);
  expect(arrived).toBe(2);
});

function get(path: string): OutgoingRequest {
  return { method: 'GET', url: `${origin}${path}`, headers: {}, timeoutMs: 2_000, bodyBytesMax: 1_000 };
}
