import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import * as fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
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

/** Requests too large, too slow, broken off or not HTTP at all: refused with words, and the process goes on. */
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

describe('bodies that are too large', () => {
  const limit = 10 * 1024 * 1024;

  test('one of exactly 10 MiB is taken', async () => {
    const { body } = aStripeEvent({ object: { note: '' } });
    const full = Buffer.from(body.toString().replace('"note":""', `"note":"${'x'.repeat(limit - body.length)}"`));
    expect(full.length).toBe(limit);
    expect((await postStripe(ingest, full)).status).toBe(200);
  });

  test('one that says it is larger is refused before any of it is read', async () => {
    const head = requestHead('POST /webhooks/stripe', {
      ...signed(Buffer.alloc(0)),
      'content-length': String(limit + 1),
    });
    expectProblem(await sendRaw(ingest, head), { status: 413, code: 'body_too_large' });
  });

  test('one that does not say is refused at the limit, and the rest never fills the memory', async () => {
    await postStripe(ingest, Buffer.alloc(limit, 'x'));
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
    // V8 frees what was thrown away when it sees fit, later while coverage is taken: 64 MiB were seen. A body that was kept
    // would be 200 MiB.
    expect(most - before).toBeLessThan(100 * 1024 * 1024);
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

describe('requests without a signature, or with nothing that could be one', () => {
  test('are refused before their bodies have come, and their connections are not kept waiting for them', async () => {
    for (const [signature, code, detail] of [
      [{}, 'signature_missing', missing],
      [
        { 'stripe-signature': 'v1=00' },
        'signature_malformed',
        /^the Stripe-Signature header is not t=<seconds>,v1=<hex>$/,
      ],
    ] as const) {
      using connection = await openConnection(ingest);
      connection.send(requestHead('POST /webhooks/stripe', { ...jsonType, ...signature, 'content-length': '1000000' }));
      expectProblem(await connection.answer(), { status: 401, code, detail });
      await connection.closed;
    }
  });

  test('leave a connection to the next request, whatever of their bodies has come', async () => {
    using connection = await openConnection(ingest);
    for (let times = 0; times < 3; times += 1) {
      const forged = Buffer.alloc(200_000, 'x');
      const head = requestHead('POST /webhooks/stripe', { ...jsonType, 'content-length': String(forged.length) });
      expectProblem(await connection.ask(Buffer.concat([Buffer.from(head), forged])), {
        status: 401,
        code: 'signature_missing',
        detail: missing,
      });
      const { body } = aStripeEvent();
      const genuine = requestHead('POST /webhooks/stripe', { ...signed(body), 'content-length': String(body.length) });
      expect((await connection.ask(Buffer.concat([Buffer.from(genuine), body]))).status).toBe(200);
    }
  });
});

const missing = /^the Stripe-Signature header is missing$/;
const jsonType = { 'content-type': 'application/json' };

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

function signed(body: Buffer): Record<string, string> {
  return signStripeRequest({ body, secrets: [stripeSecret], signedAt: new Date() });
}
