import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import * as fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { sha256Hex } from '@penstock/core/delivery';
import { signStripeRequest } from '@penstock/core/providers/stripe/sign';
import { expectProblem } from './harness/problems.ts';
import { openConnection, requestHead, sendRaw } from './harness/raw-http.ts';
import {
  aStripeEvent,
  createTestSystem,
  postStripe,
  stripeSecret,
  type TestIngest,
  type TestSystem,
} from './harness/system.ts';
import { until } from './harness/until.ts';

/** What anybody can send to the public port: refused with words, and the process goes on. */
let system: TestSystem;
let ingest: TestIngest;
/** Gives a body 300 ms to arrive; gives up on a head after 5.3 s. */
let hasty: TestIngest;

beforeAll(async () => {
  system = await createTestSystem();
  [ingest, hasty] = await Promise.all([system.startIngest(), system.startIngest({ BODY_MS: '300' })]);
});
afterAll(() => system[Symbol.asyncDispose]());

afterEach(async () => {
  for (const one of [ingest, hasty]) {
    const event = aStripeEvent();
    expect(await postStripe(one, event.body)).toMatchObject({
      status: 200,
      json: { id: event.id, status: 'accepted' },
    });
  }
});

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

/** Sends a request that is right in all but what is given. */
async function send(given: Sent = {}) {
  const { method = 'POST', path = 'stripe', body = aStripeEvent().body } = given;
  const headers = { ...signed(body), ...given.headers };
  const response = await fetch(new URL(path, ingest.url), {
    method,
    headers,
    ...(method === 'POST' ? { body: new Uint8Array(body) } : {}),
    signal: AbortSignal.timeout(20_000),
  });
  return { status: response.status, headers: response.headers, body: await response.text() };
}

function signed(body: Buffer, given: { readonly secret?: string; readonly at?: Date } = {}): Record<string, string> {
  return signStripeRequest({ body, secrets: [given.secret ?? stripeSecret], signedAt: given.at ?? new Date() });
}

describe('addresses and methods', () => {
  test.each([
    '/webhooks/unknown',
    '/webhooks/',
    '/webhooks',
    '/',
    '/webhooks/stripe/more',
    '/webhooks/STRIPE',
    '/webhooks/__proto__',
    '/health',
    '/metrics',
    '/webhooks/%E0%A4%A',
    '/webhooks/%00',
    '//',
    '/webhooks/stripe%2F..%2Fpaypal',
  ])('there is nothing at %s', async (path) => {
    const body = aStripeEvent().body;
    expectProblem(
      await sendRaw(
        ingest,
        Buffer.concat([
          Buffer.from(requestHead(`POST ${path}`, { ...signed(body), 'content-length': String(body.length) })),
          body,
        ]),
      ),
      { status: 404, code: 'endpoint_unknown', detail: /\/webhooks\/<endpoint>/ },
    );
  });

  test.each(['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'])(
    '%s is not how webhooks are sent',
    async (method) => {
      const answer = await sendRaw(ingest, requestHead(`${method} /webhooks/stripe`));
      expectProblem(answer, { status: 405, code: 'method_not_allowed' });
      expect(answer.headers.get('allow')).toBe('POST');
    },
  );

  test('HEAD is not either', async () => {
    const response = await fetch(`${ingest.url}stripe`, { method: 'HEAD' });
    expect({ status: response.status, allow: response.headers.get('allow') }).toEqual({ status: 405, allow: 'POST' });
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json5',
    '',
  ])('a body of media type %j is refused, and what is expected is said', async (type) => {
    const answer = await send({ headers: { 'content-type': type } });
    expectProblem(answer, { status: 415, code: 'media_type_unsupported' });
    expect(answer.headers.get('accept')).toBe('application/json');
  });

  test.each(['application/json', 'Application/JSON; charset=utf-8', 'application/json;foo'])(
    'a body of media type %j is taken',
    async (type) => {
      expect((await send({ headers: { 'content-type': type } })).status).toBe(200);
    },
  );
});

describe('signatures', () => {
  const body = aStripeEvent().body;
  const long = new Date(Date.now() - 3_600_000);

  test.each<{ code: string; what: string; headers: Record<string, string> }>([
    { code: 'signature_missing', what: 'none', headers: { 'stripe-signature': '' } },
    { code: 'signature_malformed', what: 'in other words', headers: { 'stripe-signature': 'Bearer x' } },
    { code: 'signature_malformed', what: 'oversized', headers: { 'stripe-signature': `t=1,v1=${'a'.repeat(5_000)}` } },
    { code: 'signature_mismatch', what: 'under another secret', headers: signed(body, { secret: 'whsec_not_ours' }) },
    { code: 'signature_mismatch', what: 'of another body', headers: signed(aStripeEvent().body) },
    {
      code: 'signature_mismatch',
      what: 'stale and under another secret',
      headers: signed(body, { secret: 'whsec_not_ours', at: long }),
    },
    { code: 'signature_stale', what: 'an hour old', headers: signed(body, { at: long }) },
    { code: 'signature_stale', what: 'an hour ahead', headers: signed(body, { at: new Date(Date.now() + 3_600_000) }) },
  ])('one that is $what is refused as $code, in one shape, without a word of the secret', async ({ code, headers }) => {
    const answer = await send({ body, headers });
    expectProblem(answer, { status: 401, code, detail: /./ });
    const right = signed(body)['stripe-signature']?.split('v1=')[1] ?? 'none';
    const rightThen = signed(body, { at: long })['stripe-signature']?.split('v1=')[1] ?? 'none';
    for (const secret of [stripeSecret, right, rightThen])
      expect(answer.body + JSON.stringify([...answer.headers])).not.toContain(secret);
    expect(ingest.output()).not.toContain(stripeSecret);
  });

  test('two signature headers are refused, even where both are right', async () => {
    const { 'stripe-signature': signature = '', ...headers } = signed(body);
    const head = requestHead('POST /webhooks/stripe', {
      ...headers,
      'Stripe-Signature': signature,
      'stripe-signature': signature,
      'content-length': String(body.length),
    });
    expectProblem(await sendRaw(ingest, Buffer.concat([Buffer.from(head), body])), {
      status: 401,
      code: 'signature_malformed',
      detail: /2 times/,
    });
  });

  test('refusals are counted by reason', async () => {
    await send({ body, headers: { 'stripe-signature': 'Bearer x' } });
    const metrics = await (await fetch(`${ingest.healthUrl}/metrics`)).text();
    expect(metrics).toMatch(
      /penstock_verification_failures_total\{endpoint="stripe",code="signature_malformed",process="ingest"\} [1-9]/,
    );
  });
});

describe('genuine bodies that are no events', () => {
  test('one that is not an event is refused, and kept in the queue', async () => {
    const body = Buffer.from(`{"hello":"${crypto.randomUUID()}"}`);
    expectProblem(await send({ body }), {
      status: 400,
      code: 'event_malformed',
      detail: /not a Stripe snapshot event/,
    });
    const job = await system.queue.bull.getJob(`stripe.sha256-${sha256Hex(body)}`);
    expect(job?.data).toMatchObject({ shape: 'malformed', body: { encoding: 'utf8', data: body.toString() } });
  });

  test.each([
    { what: 'nothing', body: Buffer.alloc(0) },
    { what: 'bytes that are not UTF-8', body: Buffer.from([0x7b, 0xff, 0x7d]) },
    { what: 'brackets 100,000 deep', body: Buffer.from('['.repeat(100_000) + ']'.repeat(100_000)) },
    { what: 'brackets 100,000 deep that never close', body: Buffer.from('{"a":'.repeat(100_000)) },
  ])('$what is refused and kept', async ({ body }) => {
    expectProblem(await send({ body }), { status: 400, code: 'event_malformed', detail: /kept/ });
    expect(await system.queue.placeOf(`stripe.sha256-${sha256Hex(body)}`)).toBe('waiting');
  });

  test('brackets 100,000 deep inside an event do not stop it from being taken', async () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    const body = Buffer.from(
      aStripeEvent({ object: { deep: '*' } })
        .body.toString()
        .replace('"*"', deep),
    );
    expect((await send({ body })).status).toBe(200);
  });
});

describe('bodies that are too large', () => {
  const limit = 10 * 1024 * 1024;

  test('one of exactly 10 MiB is taken', async () => {
    const { body } = aStripeEvent({ object: { note: '' } });
    const full = Buffer.from(body.toString().replace('"note":""', `"note":"${'x'.repeat(limit - body.length)}"`));
    expect(full.length).toBe(limit);
    expect((await send({ body: full })).status).toBe(200);
  });

  test('one that says it is larger is refused before any of it is read', async () => {
    const head = requestHead('POST /webhooks/stripe', {
      ...signed(Buffer.alloc(0)),
      'content-length': String(limit + 1),
    });
    expectProblem(await sendRaw(ingest, head), { status: 413, code: 'body_too_large' });
  });

  test('one that does not say is refused at the limit, and the rest never fills the memory', async () => {
    await send({ body: Buffer.alloc(limit, 'x') });
    const before = await residentBytes();
    let most = before;
    for (let round = 0; round < 3; round += 1) {
      const streaming = stream200MiB();
      const watching = until(
        async () => {
          most = Math.max(most, await residentBytes());
          return streaming.isOver();
        },
        { what: 'the stream to be cut off', everyMs: 10 },
      );
      expectProblem(await streaming.answer, { status: 413, code: 'body_too_large' });
      expect(await streaming.sentBytes).toBeLessThan(200 * 1024 * 1024);
      await watching;
    }
    expect(most - before).toBeLessThan(60 * 1024 * 1024);
  });

  async function residentBytes(): Promise<number> {
    const metrics = await (await fetch(`${ingest.healthUrl}/metrics`)).text();
    return Number(/^process_resident_memory_bytes\{[^}]*\} (\S+)$/m.exec(metrics)?.[1]);
  }

  function stream200MiB() {
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    const request = httpRequest(`${ingest.url}stripe`, {
      method: 'POST',
      headers: { ...signed(chunk), 'transfer-encoding': 'chunked' },
    });
    const answer = once(request, 'response').then(async ([response]) => ({
      status: Number(response.statusCode),
      headers: new Headers(response.headers),
      body: await readText(response),
    }));
    let sentBytes = 0;
    let over = false;
    const chunks = function* (): Generator<Buffer> {
      for (; sentBytes < 200 * chunk.length; sentBytes += chunk.length) yield chunk;
    };
    const sent = pipeline(chunks, request)
      .catch(() => undefined)
      .then(() => {
        over = true;
        return sentBytes;
      });
    return { answer, sentBytes: sent, isOver: () => over };
  }
});

describe('slow, broken and unfinished requests', () => {
  test('a body that trickles is refused when its time is up', async () => {
    using connection = await openConnection(hasty);
    const started = performance.now();
    connection.send(requestHead('POST /webhooks/stripe', { ...signed(Buffer.alloc(0)), 'content-length': '1000' }));
    const trickle = setInterval(() => connection.send('x'), 50);
    try {
      expectProblem(await connection.answer(), { status: 408, code: 'body_too_slow' });
    } finally {
      clearInterval(trickle);
    }
    expect(performance.now() - started).toBeLessThan(2_000);
    await connection.closed;
  });

  test('a head that never ends is cut off', async () => {
    using connection = await openConnection(hasty);
    connection.send('POST /webhooks/stripe HTTP/1.1\r\nHost: 127.0.0.1\r\n');
    const trickle = setInterval(() => connection.send('x-more: 1\r\n'), 100);
    try {
      expectProblem(await connection.answer(), { status: 408, code: 'http_invalid' });
      await connection.closed;
    } finally {
      clearInterval(trickle);
    }
  });

  test('a sender who goes away in the middle of a body is told of in the log', async () => {
    using connection = await openConnection(ingest);
    connection.send(
      requestHead('POST /webhooks/stripe', {
        ...signed(Buffer.alloc(0)),
        'content-length': '1000',
        'x-request-id': 'went-away',
      }) + 'half',
    );
    await until(() => connection.socket.bytesWritten > 0, { what: 'half to be sent' });
    connection.socket.resetAndDestroy();
    await ingest.waitForLine(/"requestId":"went-away".*"outcome":"aborted"/);
  });

  test.each([
    {
      what: 'two lengths',
      head: 'POST /webhooks/stripe HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd',
    },
    {
      what: 'a length and chunks',
      head: 'POST /webhooks/stripe HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /',
    },
    {
      what: 'chunks in disguise',
      head: 'POST /webhooks/stripe HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
    },
    {
      what: 'a space before the colon',
      head: 'POST /webhooks/stripe HTTP/1.1\r\nHost: a\r\nContent-Length : 4\r\n\r\nabcd',
    },
    {
      what: 'a header folded over two lines',
      head: 'POST /webhooks/stripe HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n',
    },
    { what: 'a negative length', head: 'POST /webhooks/stripe HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n' },
    {
      what: 'a length in hexadecimal',
      head: 'POST /webhooks/stripe HTTP/1.1\r\nHost: a\r\nContent-Length: 0x4\r\n\r\nabcd',
    },
    { what: 'a NUL in a header', head: 'POST /webhooks/stripe HTTP/1.1\r\nHost: a\r\nX-A: \0\r\n\r\n' },
    { what: 'no host', head: 'POST /webhooks/stripe HTTP/1.1\r\n\r\n' },
    { what: 'a host that is none', head: 'POST /webhooks/stripe HTTP/1.1\r\nHost: a b@c/\r\n\r\n' },
    { what: 'an address that is none', head: 'POST http://[ HTTP/1.1\r\nHost: a\r\n\r\n' },
    { what: 'a method that is none', head: 'PEST /webhooks/stripe HTTP/1.1\r\nHost: a\r\n\r\n' },
    { what: 'another protocol', head: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' },
    { what: 'garbage', head: 'hello?\r\n\r\n' },
  ])('$what is refused as not HTTP and the connection is closed', async ({ head }) => {
    using connection = await openConnection(ingest);
    connection.send(Buffer.from(head, 'latin1'));
    expectProblem(await connection.answer(), { status: 400, code: 'http_invalid' });
    await connection.closed;
  });

  test('a chunk that breaks the rules in the middle of a body ends the request', async () => {
    using connection = await openConnection(ingest);
    connection.send(
      requestHead('POST /webhooks/stripe', { ...signed(Buffer.alloc(0)), 'transfer-encoding': 'chunked' }),
    );
    connection.send('5\r\nhello\r\nZZ\r\n');
    expect((await connection.answer()).status).toBe(400);
    await connection.closed;
  });

  test('headers larger than 16 KiB are refused', async () => {
    expectProblem(await sendRaw(ingest, requestHead('POST /webhooks/stripe', { 'x-large': 'a'.repeat(17 * 1024) })), {
      status: 431,
      code: 'http_invalid',
    });
  });

  test('no bytes at all end the process', async () => {
    const word = fc.constantFrom(
      'POST',
      'GET',
      ' ',
      '/webhooks/stripe',
      ' HTTP/1.1',
      '\r\n',
      '\n',
      'Host: a',
      'Content-Length: 9',
      'Transfer-Encoding: chunked',
      'Expect: 100-continue',
      'Upgrade: websocket',
      'Connection: Upgrade',
      '\r\n\r\n',
      '{}',
      '\0',
    );
    const noise = fc.oneof(
      fc.array(word, { maxLength: 30 }).map((words) => Buffer.from(words.join(''))),
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    );
    await fc.assert(
      fc.asyncProperty(noise, async (bytes) => {
        using connection = await openConnection(ingest);
        connection.socket.end(bytes);
        await connection.closed;
        expect(connection.received()).not.toMatch(/^HTTP\/1\.1 [25]/);
      }),
      { numRuns: 100 },
    );
  });
});

describe('the request id', () => {
  test('of the caller is kept where it can stand in a log', async () => {
    const answer = await send({ headers: { 'x-request-id': 'Root=1-67891233-abcdef', 'stripe-signature': '' } });
    expect(answer.headers.get('x-request-id')).toBe('Root=1-67891233-abcdef');
    expectProblem(answer, { status: 401, code: 'signature_missing', detail: /./ });
  });

  test.each(['a b', '"', '<script>', 'a'.repeat(129), 'é'])('%j is replaced by one of our own', async (id) => {
    for (const path of ['stripe', 'unknown']) {
      const answer = await send({ path, headers: { 'x-request-id': Buffer.from(id).toString('latin1') } });
      expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
    }
  });
});
