import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Delivery } from '@penstock/core/delivery';
import { on } from '@penstock/db/handler';
import {
  startPayPalStandIn,
  type PayPalStandIn,
  type StandInAnswer,
} from '@penstock/core/providers/paypal/fixtures/paypal-stand-in';
import { paypal } from '@penstock/core/providers/paypal/provider';
import { createTestDatabase, type TestDatabase } from '@penstock/db/testing/test-database';
import { testPostgresUrl } from '@penstock/local/test-services';
import { providerEffects } from '@penstock/runtime/http-exchange';
import { processWebhook, type ProcessWorld } from '@penstock/worker/process-webhook';
import { processWorld } from '@penstock/worker/testing/process-world';
import { aPayPalCapture as aCapture, withBody, type PayPalCapture as Capture } from './fixtures/paypal-captures.ts';

const token: StandInAnswer = { status: 200, body: '{"access_token":"token","expires_in":3600}' };

let database: TestDatabase;
let api: PayPalStandIn;
let events: Map<string, StandInAnswer>;

beforeAll(async () => {
  database = await createTestDatabase(testPostgresUrl());
  api = await startPayPalStandIn(({ path }) =>
    path === '/v1/oauth2/token' ? token : (events.get(path) ?? events.get('everything')),
  );
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
beforeEach(() => {
  events = new Map();
});

test('an event that its signature proves in part is acted upon as the provider tells it, and only after it did', async () => {
  const capture = aCapture('20.00');
  knows(capture);
  expect(await take(capture.delivery)).toMatchObject({ kind: 'ended', outcome: 'processed' });
  expect(await payment(capture.captureId)).toMatchObject({ amount_captured: 2_000 });
  expect(await confirmation(capture.delivery)).toMatchObject({ disagrees: false, body: capture.body });
});

test('a body forged under a genuine id moves the money that the provider tells of, and is seen to disagree', async () => {
  const genuine = aCapture('20.00');
  knows(genuine);
  const forged = withBody(genuine, genuine.body.toString().replace('"20.00"', '"20000.00"'));
  expect(await take(forged)).toMatchObject({ kind: 'ended', outcome: 'processed' });
  expect(await payment(genuine.captureId)).toMatchObject({ amount_captured: 2_000 });
  expect(await confirmation(genuine.delivery)).toMatchObject({ disagrees: true });

  expect(await take(genuine.delivery)).toMatchObject({ kind: 'ended', outcome: 'collision' });
  expect(await payment(genuine.captureId)).toMatchObject({ amount_captured: 2_000 });
});

test('handlers are given what the provider told, not what the notification said', async () => {
  const genuine = aCapture('20.00');
  knows(genuine);
  const seen: unknown[] = [];
  const spy = on('payment.captured', 'spy', async ({ event }) => {
    seen.push(event.confirmed, JSON.stringify(event.payload).includes('"20.00"'));
  });
  await take(withBody(genuine, genuine.body.toString().replace('"20.00"', '"20000.00"')), [spy]);
  expect(seen).toEqual([true, true]);
});

test('an event that the provider does not know is dead and moves nothing, and the genuine one of its headers is taken', async () => {
  const genuine = aCapture('20.00');
  const forged = aCapture('20000.00', { transmissionId: genuine.delivery.transmissionId });
  expect(await take(forged.delivery)).toMatchObject({
    kind: 'failed',
    failure: { code: 'event_unconfirmed', permanent: true },
    next: { kind: 'dead' },
  });
  expect(await payment(forged.captureId)).toBeUndefined();

  knows(genuine);
  expect(await take(genuine.delivery)).toMatchObject({ kind: 'ended', outcome: 'processed' });
});

test.each([
  ['overloaded', { status: 503, body: '' }],
  ['limiting', { status: 429, body: '' }],
])('while the provider is %s the event is stored, waits and loses no attempt', async (_what, away) => {
  const capture = aCapture('20.00');
  events.set('everything', away);
  for (const attempt of [1, 1]) {
    expect(await take(capture.delivery, [], { attempt })).toMatchObject({
      kind: 'unconfirmed',
      failure: { code: 'provider_away' },
    });
  }
  expect(await ledger(capture.delivery)).toMatchObject({ state: 'received', attempts: 0 });
  events.delete('everything');
  knows(capture);
  expect(await take(capture.delivery)).toMatchObject({ kind: 'ended', outcome: 'processed' });
});

test('a provider that has been away for a day costs the event its attempts, so that somebody looks', async () => {
  const capture = aCapture('20.00');
  events.set('everything', { status: 503, body: '' });
  const now = new Date(Date.parse(capture.delivery.receivedAt) + 24 * 3_600_000 + 1);
  expect(await take(capture.delivery, [], { now })).toMatchObject({ kind: 'failed', next: { kind: 'retry' } });
});

test('a provider that refuses the credentials costs the event its attempts', async () => {
  const capture = aCapture('20.00');
  events.set('everything', { status: 401, body: '' });
  expect(await take(capture.delivery)).toMatchObject({
    kind: 'failed',
    failure: { code: 'provider_refused_us' },
    next: { kind: 'retry' },
  });
});

test('the provider is asked once for an event, however often its handlers fail, and not for one that was processed', async () => {
  const capture = aCapture('20.00');
  knows(capture);
  const failing = on('*', 'fail', async () => {
    throw new Error('not yet');
  });
  const before = asked(capture);
  await take(capture.delivery, [failing]);
  await take(capture.delivery, [failing], { attempt: 2 });
  expect(await take(capture.delivery, [], { attempt: 3 })).toMatchObject({ kind: 'ended', outcome: 'processed' });
  expect(await take(capture.delivery)).toMatchObject({ kind: 'ended', outcome: 'duplicate' });
  expect(asked(capture) - before).toBe(1);
});

test('every event is asked for, unless only those about money are to be', async () => {
  const plain = aCapture('1.00', { event_type: 'VAULT.PAYMENT-TOKEN.CREATED' });
  expect(await take(plain.delivery, [], { confirm: 'money' })).toMatchObject({ kind: 'ended', outcome: 'ignored' });
  expect(asked(plain)).toBe(0);
  const other = aCapture('1.00', { event_type: 'VAULT.PAYMENT-TOKEN.CREATED' });
  knows(other);
  expect(await take(other.delivery)).toMatchObject({ kind: 'ended', outcome: 'ignored' });
  expect(asked(other)).toBe(1);
});

test('with confirm set to never the checksum is believed', async () => {
  const capture = aCapture('20.00');
  expect(await take(capture.delivery, [], { confirm: 'never' })).toMatchObject({ outcome: 'processed' });
  expect(asked(capture)).toBe(0);
});

function take(
  delivery: Delivery,
  handlers: ProcessWorld['handlers'] = [],
  given: { readonly attempt?: number; readonly now?: Date; readonly confirm?: string } = {},
) {
  const { attempt = 1, now, confirm } = given;
  const settings = {
    environment: { simulator: api.origin },
    clientId: 'client',
    clientSecret: 'secret',
    ...(confirm === undefined ? {} : { confirm }),
  };
  const effects = providerEffects({ production: false, retriesMax: 0 });
  const confirmer = paypal.confirmation?.createConfirmer(settings, effects) ?? null;
  return processWebhook(
    { jobId: delivery.eventId, data: delivery, attempt },
    processWorld(database.db, {
      endpoints: new Map([['paypal', { settings, confirm: confirmer }]]),
      handlers,
      now: () => now ?? new Date(delivery.receivedAt),
    }),
  );
}

function knows({ delivery, body }: Capture): void {
  events.set(`/v1/notifications/webhooks-events/${delivery.eventId}`, { status: 200, body });
}

function asked({ delivery }: Capture): number {
  return api.requests.filter(({ path }) => path.endsWith(delivery.eventId)).length;
}

function payment(id: string) {
  return database.db.selectFrom('payments').select('amount_captured').where('id', '=', id).executeTakeFirst();
}

function ledger({ eventId }: Delivery) {
  return database.db
    .selectFrom('ledger')
    .select(['state', 'attempts'])
    .where('provider_event_id', '=', eventId)
    .executeTakeFirst();
}

function confirmation({ eventId }: Delivery) {
  return database.db
    .selectFrom('confirmations')
    .innerJoin('ledger', 'ledger.id', 'confirmations.ledger_id')
    .select(['confirmations.disagrees', 'confirmations.body'])
    .where('ledger.provider_event_id', '=', eventId)
    .executeTakeFirst();
}
