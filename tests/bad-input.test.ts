import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { sha256Hex } from '@penstock/core/delivery';
import { signStripeRequest } from '@penstock/core/providers/stripe/sign';
import { expectProblem } from './harness/problems.ts';
import { requestHead, sendRaw } from './harness/raw-http.ts';
import {
  aStripeEvent,
  createTestSystem,
  postStripe,
  stripeSecret,
  type TestIngest,
  type TestSystem,
} from './harness/system.ts';

/** What anybody can send to the public port: refused with words, and the process goes on. */
let system: TestSystem;
let ingest: TestIngest;

beforeAll(async () => {
  system = await createTestSystem();
  ingest = await system.startIngest();
});
afterAll(() => system[Symbol.asyncDispose]());

afterEach(async () => {
  const event = aStripeEvent();
  expect(await postStripe(ingest, event.body)).toMatchObject({
    status: 200,
    json: { id: event.id, status: 'accepted' },
  });
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
    signal: AbortSignal.timeout(60_000),
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
      /penstock_verification_failures_total\{endpoint="stripe",provider="stripe",code="signature_malformed",[^}]*\} [1-9]/,
    );
  });
});

describe('genuine bodies that are no events', () => {
  test('one that is not an event is refused, and kept in the queue', async () => {
    const body = Buffer.from(`{"hello":"${crypto.randomUUID()}"}`);
    expectProblem(await send({ body }), {
      status: 400,
      code: 'event_malformed',
      detail: /the body is not an event of this provider/,
    });
    const job = await system.queue.bulls()[0].getJob(`stripe.sha256-${sha256Hex(body)}`);
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

  test('one that says of itself what cannot be stored is refused and kept, where it would be acknowledged and lost', async () => {
    const { id, body: plain } = aStripeEvent();
    const body = Buffer.from(plain.toString().replace('2026-01-28', String.raw`2026\u0000`));
    expectProblem(await send({ body }), { status: 400, code: 'event_malformed', detail: /stored: apiVersion/ });
    expect(await system.queue.placeOf(`stripe.sha256-${sha256Hex(body)}`)).toBe('waiting');
    expect(await system.queue.placeOf(`stripe.${id}`)).toBe('missing');
  });

  test('brackets 100,000 deep inside an event are past the limit: it is refused and kept', async () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    const body = Buffer.from(
      aStripeEvent({ object: { deep: '*' } })
        .body.toString()
        .replace('"*"', deep),
    );
    expectProblem(await send({ body }), { status: 400, code: 'event_malformed', detail: /kept/ });
    expect(await system.queue.placeOf(`stripe.sha256-${sha256Hex(body)}`)).toBe('waiting');
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
