import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { runConsole, type RunningConsole } from '@penstock/console/testing/run-console';
import { encodeBody, sha256Hex, type Delivery } from '@penstock/core/delivery';
import type { PaymentFact } from '@penstock/core/payment-event';
import { applyFacts } from '@penstock/db/apply-facts';
import { storeEvent } from '@penstock/db/events';
import { enterLedger } from '@penstock/db/ledger';
import { createTestDatabase, type TestDatabase } from '@penstock/db/testing/test-database';

let database: TestDatabase;
let running: RunningConsole;
let cookie: string;

beforeAll(async () => {
  database = await createTestDatabase(inject('postgresUrl'));
  running = await runConsole({
    environment: { DATABASE_URL: database.url, REDIS_URL: inject('redisUrl'), QUEUE_NAME: 'console-payments' },
  });
  cookie = await running.logIn();
  // Stored in another order than they happened in.
  const facts: Readonly<Record<string, PaymentFact>> = {
    evt_3: {
      kind: 'refund',
      occurredAtMs: Date.parse('2026-01-03T00:00:00Z'),
      id: 're_1',
      references: ['charge:ch_1'],
      status: 'succeeded',
      amount: 500,
      currency: 'EUR',
      reason: 'requested_by_customer',
    },
    evt_1: {
      kind: 'payment',
      occurredAtMs: Date.parse('2026-01-01T00:00:00Z'),
      references: ['payment_intent:pi_1'],
      status: 'created',
      amount: 1999,
      currency: 'EUR',
    },
    evt_4: {
      kind: 'dispute',
      occurredAtMs: Date.parse('2026-01-04T00:00:00Z'),
      id: 'du_1',
      references: ['charge:ch_1'],
      status: 'needs_response',
      funds: 'withdrawn',
      amount: 1499,
      currency: 'EUR',
    },
    evt_2: {
      kind: 'payment',
      occurredAtMs: Date.parse('2026-01-02T00:00:00Z'),
      references: ['payment_intent:pi_1', 'charge:ch_1'],
      status: 'captured',
      captured: { key: 'ch_1', amount: 1999 },
    },
  };
  for (const [eventId, fact] of Object.entries(facts)) await event('eu', { eventId, facts: [fact] });
  for (const account of ['eu', 'us'])
    await event(account, {
      eventId: 'evt_shared',
      facts: [
        {
          kind: 'payment',
          occurredAtMs: 0,
          references: ['order:shared'],
          status: 'created',
          amount: 1,
          currency: 'USD',
        },
      ],
    });
});
afterAll(async () => {
  await running[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const timeline = [
  { canonicalType: 'payment.created', eventId: 'evt_1', occurredAt: '2026-01-01T00:00:00.000Z' },
  { canonicalType: 'payment.captured', eventId: 'evt_2', occurredAt: '2026-01-02T00:00:00.000Z' },
  { canonicalType: 'refund.succeeded', eventId: 'evt_3', occurredAt: '2026-01-03T00:00:00.000Z' },
  { canonicalType: 'dispute.needs_response', eventId: 'evt_4', occurredAt: '2026-01-04T00:00:00.000Z' },
];

test.each(['pi_1', 'payment_intent:pi_1', 'ch_1', 'charge%3Ach_1', 're_1', 'dispute:du_1'])(
  'a payment is told whole, its events in the order they happened, by %s',
  async (id) => {
    const answer = await running.ask(`/payments/${id}`, { cookie });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json']);
    expect(await answer.json()).toMatchObject({
      id: 'pi_1',
      account: 'eu',
      amount: 1999,
      currency: 'EUR',
      amountCaptured: 1999,
      amountRefunded: 500,
      timeline,
    });
  },
);

test('the form of every page leads to a payment by any of its ids; without one it stays where it was', async () => {
  const led = async (query: string) => (await running.ask(`/payments${query}`, { cookie })).headers.get('location');
  expect(await led('?id=+ch_1+')).toBe('/payments/ch_1');
  expect(await led('?id=a%2Fb%3F')).toBe('/payments/a%2Fb%3F');
  expect([await led('?id='), await led('')]).toEqual(['/', '/']);
  for (const path of ['/', '/dead', '/payments/nothing'])
    expect(await pageAt(path), path).toContain('<form method="get" action="/payments"');
});

test('in a browser a payment is a page: how it stands, in money, and each event with a way to it', async () => {
  const page = await pageAt('/payments/ch_1');
  expect(page).toContain('Payment pi_1');
  expect(page).toContain('<dd>19.99 EUR</dd>');
  expect(page).toContain('<dd>5.00 EUR (partial)</dd>');
  expect(page).toMatch(/re_1<\/code><\/th><td>succeeded<\/td><td class="n">5\.00 EUR/);
  expect(page).toMatch(/du_1<\/code><\/th><td>needs_response, funds withdrawn<\/td><td class="n">14\.99 EUR/);
  const events = [...page.matchAll(/href="(?<path>\/dead\/evt_[^"]+)"/g)].map(({ groups }) => groups?.['path'] ?? '');
  expect(events).toEqual(timeline.map(({ eventId }) => `/dead/${eventId}?account=eu`));
  expect(await pageAt(events[0] ?? '')).toContain('<h2 id="event">evt_1</h2>');
});

test('in a browser an id that nothing named is told in words, and one that accounts share leads to each of theirs', async () => {
  const unknown = await running.ask('/payments/pi_2', { cookie, headers: { accept: 'text/html' } });
  expect([unknown.status, await unknown.text()]).toEqual([404, expect.stringContaining('No payment goes by this id')]);
  const shared = await running.ask('/payments/shared', { cookie, headers: { accept: 'text/html' } });
  expect(shared.status).toBe(409);
  const ways = [...(await shared.text()).matchAll(/href="(?<path>\/payments\/shared[^"]*)"/g)];
  expect(ways.map(({ groups }) => groups?.['path'])).toEqual([
    '/payments/shared?account=eu',
    '/payments/shared?account=us',
  ]);
});

test('every key is there, in camel case, amounts in whole minor units', async () => {
  const shape = { occurredAt: expect.any(String), updatedAt: expect.any(String), version: expect.any(Number) };
  const view: unknown = await (await running.ask('/payments/pi_1', { cookie })).json();
  expect(view).toEqual({
    ...shape,
    id: 'pi_1',
    account: 'eu',
    provider: 'stripe',
    status: 'captured',
    amount: 1999,
    currency: 'EUR',
    amountCaptured: 1999,
    amountRefunded: 500,
    refundState: 'partial',
    disputeState: 'open',
    failureCode: null,
    conflict: null,
    needsFetch: false,
    refunds: [
      { ...shape, id: 're_1', status: 'succeeded', amount: 500, currency: 'EUR', reason: 'requested_by_customer' },
    ],
    disputes: [
      {
        ...shape,
        id: 'du_1',
        status: 'needs_response',
        funds: 'withdrawn',
        amount: 1499,
        currency: 'EUR',
        reason: null,
      },
    ],
    timeline: timeline.map(wholeEntry),
  });
});

test('an id that nothing named is a 404', async () => {
  for (const path of ['/payments/pi_2', '/payments/pi_1?account=us', '/payments/charge:pi_1']) {
    const answer = await running.ask(path, { cookie, headers: { 'x-request-id': 'ask-1' } });
    expect([answer.status, answer.headers.get('content-type'), await answer.json()]).toEqual([
      404,
      'application/problem+json',
      {
        type: 'urn:penstock:problem:payment_unknown',
        status: 404,
        code: 'payment_unknown',
        title: expect.any(String),
        detail: expect.any(String),
        requestId: 'ask-1',
        traceId: answer.headers.get('x-trace-id'),
      },
    ]);
  }
});

test('an id that several accounts share is a 409 that lists them, and an account chooses', async () => {
  const answer = await running.ask('/payments/shared', { cookie });
  expect([answer.status, await answer.json()]).toEqual([
    409,
    expect.objectContaining({
      code: 'payment_ambiguous',
      matches: [
        { account: 'eu', id: 'shared' },
        { account: 'us', id: 'shared' },
      ],
    }),
  ]);
  const chosen = await running.ask('/payments/shared?account=us', { cookie });
  expect(await chosen.json()).toMatchObject({ id: 'shared', account: 'us', timeline: [{ endpoint: 'stripe-us' }] });
});

test.each([
  '/payments/a%20b',
  '/payments/%C3%A9',
  '/payments/%00',
  `/payments/${'a'.repeat(256)}`,
  '/payments/pi_1?account=',
  '/payments/pi_1?account=%00',
])('what no id can be is a 400: %s', async (path) => {
  const answer = await running.ask(path, { cookie });
  expect([answer.status, await answer.json()]).toEqual([400, expect.objectContaining({ code: 'parameter_invalid' })]);
});

test('text that SQL would read is only text', async () => {
  expect((await running.ask(`/payments/${encodeURIComponent("x'or(1=1)--")}`, { cookie })).status).toBe(404);
});

async function pageAt(path: string): Promise<string> {
  return (await running.ask(path, { cookie, headers: { accept: 'text/html' } })).text();
}

function wholeEntry(entry: (typeof timeline)[number]): unknown {
  return {
    ...entry,
    type: 'stripe.event',
    endpoint: 'stripe-eu',
    receivedAt: '2026-01-05T00:00:00.000Z',
    tier: 'full',
    keyId: 'key-1',
    requestId: `request-${entry.eventId}`,
    bodyKept: true,
    deliveries: [
      {
        receivedAt: '2026-01-05T00:00:00.000Z',
        kind: 'first',
        keyId: 'key-1',
        requestId: `request-${entry.eventId}`,
      },
    ],
    state: 'received',
    finishedAt: null,
    fact: expect.objectContaining({ occurredAtMs: Date.parse(entry.occurredAt) }),
  };
}

async function event(
  account: string,
  { eventId, facts }: { readonly eventId: string; readonly facts: readonly PaymentFact[] },
): Promise<void> {
  const body = Buffer.from(JSON.stringify({ id: eventId }));
  const common = { account, provider: 'stripe' };
  await database.db.transaction().execute(async (tx) => {
    const delivery: Delivery = {
      ...common,
      v: 1,
      deliveryId: randomUUID(),
      endpoint: `stripe-${account}`,
      eventId,
      type: 'stripe.event',
      shape: 'event',
      occurredAt: null,
      receivedAt: '2026-01-05T00:00:00.000Z',
      livemode: false,
      apiVersion: null,
      providerAccount: null,
      tier: 'full',
      keyId: 'key-1',
      transmissionId: null,
      requestId: `request-${eventId}`,
      contentType: 'application/json',
      origin: 'webhook',
      bodySha256: sha256Hex(body),
      body: encodeBody(body),
    };
    const entry = await enterLedger(tx, delivery);
    await storeEvent(tx, entry.id, delivery);
    await applyFacts(tx, {
      ...common,
      eventId: entry.id,
      facts: facts.map((fact, ordinal) => ({ eventId, ordinal, fact })),
    });
  });
}
