import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { encodeBody, sha256Hex, type Delivery } from '@penstock/core/delivery';
import {
  startPayPalStandIn,
  type PayPalStandIn,
  type StandInAnswer,
} from '@penstock/core/providers/paypal/fixtures/paypal-stand-in';
import { providerNamed } from '@penstock/core/providers/registry';
import { requestFetch } from '@penstock/db/conflict-fetches';
import type { LedgerDatabase } from '@penstock/db/database';
import { dismissConflict, findConflicts } from '@penstock/db/find-conflicts';
import { createTestDatabase, type TestDatabase } from '@penstock/db/testing/test-database';
import { testPostgresUrl } from '@penstock/local/test-services';
import { fetchConflicts, type FetchWorld } from '@penstock/worker/fetch-conflicts';
import { processWebhook } from '@penstock/worker/process-webhook';
import { rebuild } from '@penstock/worker/rebuild';
import { openSnapshotters } from '@penstock/worker/snapshotters';
import { processWorld } from '@penstock/worker/testing/process-world';
import { aStripeDelivery, aStripePayment } from './fixtures/stripe-objects.ts';

const conflicting = { kind: 'illegal_transition', code: 'status_after_capture', detail: 'canceled' };

let database: TestDatabase;
let db: LedgerDatabase;
let api: PayPalStandIn;
let answers: Map<string, StandInAnswer>;
let account: string;
let accounts = 0;

beforeAll(async () => {
  database = await createTestDatabase(testPostgresUrl());
  ({ db } = database);
  api = await startPayPalStandIn(({ path }) => answers.get(path) ?? answers.get('everything'));
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
beforeEach(() => {
  answers = new Map();
  accounts += 1;
  account = `account-${accounts}`;
});

describe('what a payment leaves contradictory', () => {
  test('is one open conflict, whatever order its events come in and however often', async () => {
    const payment = aStripePayment();
    const events = (of: string) => [
      aStripeDelivery('payment_intent.succeeded', payment.succeeded, { created: 1_790_000_001, account: of }),
      aStripeDelivery('payment_intent.canceled', payment.canceled, { created: 1_790_000_002, account: of }),
      aStripeDelivery('refund.created', payment.refund, { created: 1_790_000_003, account: of }),
      aStripeDelivery('charge.captured', payment.charge, { created: 1_790_000_003, account: of }),
    ];
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([0, 1, 2, 3, 0, 1, 2, 3], { minLength: 8 }), async (order) => {
        run += 1;
        const of = `${account}-${run}`;
        const deliveries = events(of);
        for (const index of order) await take(deliveries[index] ?? fail());
        expect(await open(of)).toEqual([expect.objectContaining(conflicting)]);
      }),
      { numRuns: 10 },
    );
  });

  test('names the event that opened it, and is closed by the one that makes it consistent', async () => {
    const { refund, succeeded } = aStripePayment();
    const early = delivery('refund.created', refund, 2);
    await take(early);
    expect(await open()).toEqual([
      expect.objectContaining({ kind: 'missing_parent', code: 'payment_unknown', openedByEvent: early.eventId }),
    ]);
    const late = delivery('payment_intent.succeeded', succeeded, 1);
    await take(late);
    expect(await open()).toEqual([]);
    expect(await all()).toEqual([
      expect.objectContaining({ state: 'resolved', closedByEvent: late.eventId, closeReason: 'consistent' }),
    ]);
  });

  test('stays dismissed through repetitions and other events, and opens again once it says something else', async () => {
    const { succeeded, canceled, refund } = aStripePayment();
    const contradiction = delivery('payment_intent.canceled', canceled, 2);
    await take(delivery('payment_intent.succeeded', succeeded, 1));
    await take(contradiction);
    const [conflict] = await open();
    expect(await dismissConflict(db, { id: conflict?.id ?? 0, by: 'test', reason: 'seen' })).toBe(true);
    expect(await dismissConflict(db, { id: conflict?.id ?? 0, by: 'test', reason: 'again' })).toBe(false);
    await take(contradiction);
    await take(delivery('payment_intent.canceled', canceled, 3));
    await take(delivery('refund.created', refund, 4));
    expect(await open()).toEqual([]);
    await take(delivery('payment_intent.payment_failed', { ...canceled, status: 'requires_payment_method' }, 5));
    expect(await open()).toEqual([expect.objectContaining({ id: conflict?.id, detail: 'canceled, failed' })]);
  });

  test('is found by a rebuild where its row is missing, and closed where the payment does not tell of it', async () => {
    const { succeeded, canceled } = aStripePayment();
    await take(delivery('payment_intent.succeeded', succeeded, 1));
    await take(delivery('payment_intent.canceled', canceled, 2));
    const [conflict] = await open();
    await db
      .deleteFrom('conflicts')
      .where('id', '=', conflict?.id ?? 0)
      .execute();
    expect(await differing('conflicts')).toMatchObject([{ missing: 1, unexpected: 0 }]);
    await rebuilt(true);
    expect(await open()).toEqual([expect.objectContaining(conflicting)]);
    expect(await differing('conflicts')).toEqual([]);
  });
});

test('a second body under a known id is one conflict, however often it comes', async () => {
  const { succeeded } = aStripePayment();
  const first = delivery('payment_intent.succeeded', succeeded, 1);
  const body = Buffer.from(JSON.stringify({ other: 'body' }));
  const second = { ...first, bodySha256: sha256Hex(body), body: encodeBody(body) };
  await take(first);
  await take(second);
  await take(second);
  expect(await all()).toEqual([
    expect.objectContaining({ kind: 'collision', code: 'event_id_collision', event: first.eventId, state: 'open' }),
  ]);
});

describe('how a payment stands, fetched', () => {
  test('is an event of its own that settles the conflict, once, and a rebuild comes to the same', async () => {
    const payment = await aContradiction();
    knows(payment.intentId, { ...payment.canceled, latest_charge: null });
    const { fetched, snapshot } = await ask();
    expect(fetched).toMatchObject([{ end: { state: 'fetched' } }]);
    expect(snapshot).toMatchObject({ origin: 'fetch', tier: 'fetched', type: 'stripe.snapshot' });
    expect(await take(snapshot)).toMatchObject({ kind: 'ended', outcome: 'processed' });
    expect(await take(snapshot)).toMatchObject({ kind: 'ended', outcome: 'duplicate' });
    expect(await open()).toEqual([]);
    expect(await all()).toEqual([expect.objectContaining({ state: 'resolved', closedByEvent: snapshot.eventId })]);
    expect(await thePayment()).toMatchObject({ status: 'canceled', amount_captured: 0, conflict: null });
    expect(await ask({ automatic: ['illegal_transition'] })).toMatchObject({ fetched: [] });
    for (const table of ['payments', 'payment_facts', 'conflicts'] as const) expect(await differing(table)).toEqual([]);
  });

  test('outranks what happened before it, also where that arrives later', async () => {
    const payment = await aContradiction();
    knows(payment.intentId, { ...payment.succeeded, latest_charge: payment.charge });
    const { snapshot } = await ask();
    await take(snapshot);
    await take(delivery('payment_intent.canceled', payment.canceled, 3));
    expect(await thePayment()).toMatchObject({ status: 'captured', amount_captured: 10_000, conflict: null });
  });

  test('tells a payment of which only a refund was known, without being asked to where it has stood for a while', async () => {
    const { refund, succeeded, charge, intentId } = aStripePayment();
    await take(delivery('refund.created', refund, 2));
    const automatic = ['missing_parent'] as const;
    expect((await ask({ request: false, automatic, graceMs: 60_000 })).fetched).toEqual([]);
    expect((await ask({ request: false, automatic: [] })).fetched).toEqual([]);
    knows(intentId, {
      ...succeeded,
      latest_charge: { ...charge, amount_refunded: 2_500, refunds: { data: [refund] } },
    });
    const { snapshot } = await ask({ request: false, automatic });
    await take(snapshot);
    expect(await open()).toEqual([]);
    expect(await thePayment()).toMatchObject({
      status: 'captured',
      amount_captured: 10_000,
      amount_refunded: 2_500,
      needs_fetch: false,
    });
  });

  test('settles a collision about its payment', async () => {
    const { succeeded, charge, intentId } = aStripePayment();
    const first = delivery('payment_intent.succeeded', succeeded, 1);
    const body = Buffer.from('{"other":"body"}');
    await take(first);
    await take({ ...first, bodySha256: sha256Hex(body), body: encodeBody(body) });
    knows(intentId, { ...succeeded, latest_charge: charge });
    const { snapshot } = await ask();
    await take(snapshot);
    expect(await all()).toEqual([
      expect.objectContaining({ kind: 'collision', state: 'resolved', closeReason: 'fetched' }),
    ]);
  });

  test.each([
    { what: 'does not know it', answer: { status: 404, body: '' }, end: { state: 'failed', code: 'payment_denied' } },
    { what: 'is away', answer: { status: 503, body: '' }, end: { state: 'retry', code: 'provider_away' } },
    {
      what: 'refuses our key',
      answer: { status: 401, body: '' },
      end: { state: 'retry', code: 'provider_refused_us' },
    },
  ])('leaves the conflict open and says why where the API $what', async ({ answer, end }) => {
    await aContradiction();
    answers.set('everything', answer);
    expect((await ask()).fetched).toMatchObject([{ end }]);
    expect(await open()).toEqual([expect.objectContaining({ ...conflicting, fetchErrorCode: end.code })]);
  });

  test('says what is missing to ask with', async () => {
    await aContradiction();
    expect((await ask({ settings: {} })).fetched).toMatchObject([{ end: { code: 'fetch_unconfigured' } }]);
    await requestFetch(db, (await open())[0]?.id ?? 0);
    expect((await ask({ endpoint: 'another' })).fetched).toMatchObject([{ end: { code: 'fetch_unconfigured' } }]);
  });
});

async function aContradiction() {
  const payment = aStripePayment();
  await take(delivery('payment_intent.succeeded', payment.succeeded, 1));
  await take(delivery('payment_intent.canceled', payment.canceled, 2));
  expect(await open()).toEqual([expect.objectContaining(conflicting)]);
  return payment;
}

function knows(intentId: string, intent: Record<string, unknown>): void {
  const path = `/v1/payment_intents/${intentId}?expand%5B%5D=latest_charge.refunds`;
  answers.set(path, { status: 200, body: JSON.stringify(intent) });
}

/** Has every open conflict of the account asked about; gives what came of it and the first event that it made. */
async function ask(
  given: Partial<FetchWorld> & {
    readonly request?: boolean;
    readonly settings?: Record<string, string>;
    readonly endpoint?: string;
  } = {},
) {
  const { request = true, settings = { apiKey: 'rk_test_1234', apiOrigin: api.origin }, endpoint, ...world } = given;
  if (request) for (const { id } of await open()) await requestFetch(db, id);
  const queued: Delivery[] = [];
  const stripe = providerNamed('stripe') ?? fail();
  const configured = { name: 'stripe', provider: stripe, account: endpoint ?? account, settings };
  const asked = await fetchConflicts({
    db,
    queue: {
      add: async (deliveries) => {
        queued.push(...deliveries);
        return deliveries.map(() => 'queued');
      },
    },
    snapshotters: openSnapshotters(
      { endpoints: new Map([['stripe', configured]]) },
      { production: false, environment: {} },
    ),
    automatic: [],
    graceMs: 0,
    now: () => new Date(),
    newId: () => crypto.randomUUID(),
    ...world,
  });
  const [snapshot = aStripeDelivery('nothing', {})] = queued;
  return { fetched: asked.filter(({ conflict }) => conflict.account === account), snapshot };
}

function delivery(type: string, object: Record<string, unknown>, second: number): Delivery {
  return aStripeDelivery(type, object, { created: 1_790_000_000 + second, account });
}

function take(taken: Delivery) {
  return processWebhook({ jobId: taken.eventId, data: taken, attempt: 1 }, processWorld(db));
}

function open(of = account) {
  return findConflicts(db, { state: 'open', account: of }, { limit: 100 });
}

function all() {
  return findConflicts(db, { account }, { limit: 100 });
}

function thePayment() {
  return db.selectFrom('payments').selectAll().where('account', '=', account).executeTakeFirstOrThrow();
}

async function rebuilt(adopt: boolean) {
  const world = { db, provider: providerNamed, settingsOf: () => undefined };
  return (await rebuild(world, { schema: 'conflicts_rebuilt', adopt, keep: false })).differences;
}

async function differing(table: string) {
  const differences = await rebuilt(false);
  return differences.filter((found) => found.table === table && found.missing + found.unexpected + found.changed > 0);
}

function fail(): never {
  throw new Error('the test is wrong');
}
