import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Delivery } from '@penstock/core/delivery';
import type { EndpointSettings, Provider } from '@penstock/core/provider';
import {
  startPayPalStandIn,
  type PayPalStandIn,
  type StandInAnswer,
} from '@penstock/core/providers/paypal/fixtures/paypal-stand-in';
import { mollie } from '@penstock/core/providers/mollie/provider';
import { paypal } from '@penstock/core/providers/paypal/provider';
import { requestFetch } from '@penstock/db/conflict-fetches';
import { findConflicts } from '@penstock/db/find-conflicts';
import { createTestDatabase, type TestDatabase } from '@penstock/db/testing/test-database';
import { testPostgresUrl } from '@penstock/local/test-services';
import { providerEffects } from '@penstock/runtime/http-exchange';
import { fetchConflicts } from '@penstock/worker/fetch-conflicts';
import { processWebhook } from '@penstock/worker/process-webhook';
import { openSnapshotters } from '@penstock/worker/snapshotters';
import { processWorld } from '@penstock/worker/testing/process-world';
import { aDelivery } from './harness/deliveries.ts';
import { aPayPalCapture, withBody, type PayPalCapture } from './fixtures/paypal-captures.ts';

const token: StandInAnswer = { status: 200, body: '{"access_token":"token","expires_in":3600}' };
const disagreement = { kind: 'unsigned_disagreement', code: 'body_disagrees', state: 'open' };

let database: TestDatabase;
let api: PayPalStandIn;
let answers: Map<string, StandInAnswer>;

beforeAll(async () => {
  database = await createTestDatabase(testPostgresUrl());
  api = await startPayPalStandIn(({ path }) => (path === '/v1/oauth2/token' ? token : answers.get(path)));
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
beforeEach(async () => {
  answers = new Map();
  await database.db.deleteFrom('conflicts').execute();
});

test('a body that says something else than the provider opens one conflict about its event, however often it comes', async () => {
  const genuine = aPayPalCapture('20.00');
  knowsEvent(genuine);
  const forged = forgedFrom(genuine);
  expect(await take(forged)).toMatchObject({ kind: 'ended', outcome: 'processed' });
  const { eventId } = genuine.delivery;
  const about = { ...disagreement, event: eventId, openedByEvent: eventId, payment: null };
  expect(await conflicts()).toEqual([expect.objectContaining(about)]);

  expect(await take(forged)).toMatchObject({ kind: 'ended', outcome: 'duplicate' });
  expect(await conflicts()).toEqual([expect.objectContaining(about)]);
});

test('the genuine body that comes after a forged one is a second conflict, of the same event', async () => {
  const genuine = aPayPalCapture('20.00');
  knowsEvent(genuine);
  await take(forgedFrom(genuine));
  expect(await take(genuine.delivery)).toMatchObject({ kind: 'ended', outcome: 'collision' });
  expect(await conflicts()).toEqual([
    expect.objectContaining({ kind: 'collision', event: genuine.delivery.eventId, state: 'open' }),
    expect.objectContaining({ ...disagreement, event: genuine.delivery.eventId }),
  ]);
});

test('a body that says what the provider does, in other bytes, is no conflict', async () => {
  const genuine = aPayPalCapture('20.00');
  knowsEvent(genuine, Buffer.concat([genuine.body, Buffer.from('\n')]));
  expect(await take(genuine.delivery)).toMatchObject({ outcome: 'processed' });
  expect(await conflicts()).toEqual([]);
});

test('a body that only names what to ask about contradicts nothing', async () => {
  const payment = {
    resource: 'payment',
    id: 'tr_5B8cwPMGnU6qLbRvo7qEZo',
    status: 'paid',
    amount: { value: '75.00', currency: 'GBP' },
    createdAt: '2026-03-01T11:58:35+00:00',
    paidAt: '2026-03-01T12:01:04+00:00',
  };
  answers.set(`/v2/payments/${payment.id}?embed=refunds,chargebacks`, {
    status: 200,
    body: JSON.stringify(payment),
  });
  const classic = { endpoint: 'mollie', provider: 'mollie', account: 'mollie', type: 'payment', tier: 'none' } as const;
  expect(await take(aDelivery({ ...classic, text: `id=${payment.id}` }))).toMatchObject({ outcome: 'processed' });
  expect(await conflicts()).toEqual([]);
});

test('an event that the provider denies is dead, and no conflict: nothing of it was believed', async () => {
  expect(await take(aPayPalCapture('20.00').delivery)).toMatchObject({ failure: { code: 'event_unconfirmed' } });
  expect(await conflicts()).toEqual([]);
});

test('how the payment stands, fetched, settles what its body said', async () => {
  const genuine = aPayPalCapture('20.00');
  knowsEvent(genuine);
  await take(forgedFrom(genuine));
  const [conflict] = await conflicts();
  answers.set(`/v2/payments/captures/${genuine.captureId}`, {
    status: 200,
    body: JSON.stringify({
      id: genuine.captureId,
      status: 'COMPLETED',
      amount: { currency_code: 'USD', value: '20.00' },
      update_time: '2026-03-01T11:59:50Z',
    }),
  });
  const snapshot = await ask(conflict?.id ?? 0);
  expect(await take(snapshot)).toMatchObject({ kind: 'ended', outcome: 'processed' });
  expect(await conflicts()).toEqual([
    expect.objectContaining({
      ...disagreement,
      state: 'resolved',
      closeReason: 'fetched',
      closedByEvent: snapshot.eventId,
    }),
  ]);
  const payment = database.db.selectFrom('payments').selectAll().where('id', '=', genuine.captureId);
  expect(await payment.executeTakeFirst()).toMatchObject({ status: 'captured', amount_captured: 2_000 });
});

function settings() {
  return { environment: { simulator: api.origin }, clientId: 'client', clientSecret: 'secret' };
}

function take(delivery: Delivery) {
  const effects = providerEffects({ production: false, retriesMax: 0 });
  const open = (provider: Provider, asking: EndpointSettings) => ({
    settings: asking,
    confirm: provider.confirmation?.createConfirmer(asking, effects) ?? null,
  });
  const endpoints = new Map([
    ['paypal', open(paypal, settings())],
    ['mollie', open(mollie, { apiKey: 'test_12345678', apiOrigin: api.origin })],
  ]);
  return processWebhook(
    { jobId: delivery.eventId, data: delivery, attempt: 1 },
    processWorld(database.db, { endpoints }),
  );
}

/** Has a worker ask PayPal about a conflict; gives the event that the answer is. */
async function ask(conflictId: number): Promise<Delivery> {
  await requestFetch(database.db, conflictId);
  const queued: Delivery[] = [];
  const configured = { name: 'paypal', provider: paypal, account: 'paypal', settings: settings() };
  await fetchConflicts({
    db: database.db,
    queue: {
      add: async (deliveries) => {
        queued.push(...deliveries);
        return deliveries.map(() => 'queued');
      },
    },
    snapshotters: openSnapshotters(
      { endpoints: new Map([['paypal', configured]]) },
      { production: false, environment: {} },
    ),
    automatic: [],
    graceMs: 0,
    now: () => new Date(),
    newId: () => crypto.randomUUID(),
  });
  const [snapshot] = queued;
  if (snapshot === undefined) throw new Error('the provider was not asked, or did not answer');
  return snapshot;
}

function knowsEvent({ delivery, body }: PayPalCapture, answer: Buffer = body): void {
  answers.set(`/v1/notifications/webhooks-events/${delivery.eventId}`, { status: 200, body: answer });
}

function forgedFrom(genuine: PayPalCapture): Delivery {
  return withBody(genuine, genuine.body.toString().replace('"20.00"', '"20000.00"'));
}

function conflicts() {
  return findConflicts(database.db, {}, { limit: 10 });
}
