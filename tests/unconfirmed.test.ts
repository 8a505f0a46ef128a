import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { sha256Hex, type Delivery } from '@penstock/core/delivery';
import {
  startPayPalStandIn,
  type PayPalStandIn,
  type StandInAnswer,
} from '@penstock/core/providers/paypal/fixtures/paypal-stand-in';
import { paypal } from '@penstock/core/providers/paypal/provider';
import { createTestDatabase, type TestDatabase } from '@penstock/db/testing/test-database';
import { testPostgresUrl } from '@penstock/local/test-services';
import { providerEffects } from '@penstock/runtime/http-exchange';
import { processSuspect } from '@penstock/worker/process-suspect';
import { processWebhook } from '@penstock/worker/process-webhook';
import { processWorld } from '@penstock/worker/testing/process-world';
import { aPayPalCapture as aCapture, withBody, type PayPalCapture as Capture } from './fixtures/paypal-captures.ts';

const token: StandInAnswer = { status: 200, body: '{"access_token":"token","expires_in":3600}' };

let database: TestDatabase;
let api: PayPalStandIn;
let events: Map<string, StandInAnswer>;

beforeAll(async () => {
  database = await createTestDatabase(testPostgresUrl());
  api = await startPayPalStandIn(({ path }) =>
    path === '/v1/oauth2/token' ? token : (events.get('everything') ?? events.get(path)),
  );
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
beforeEach(() => {
  events = new Map();
});

/** The same headers, an id of the forger's own, and as much money as the forger likes. */
const forgeryOf = ({ delivery: { transmissionId } }: Capture, type?: string): Delivery =>
  aCapture('20000.00', { transmissionId, ...(type === undefined ? {} : { event_type: type }) }).delivery;

describe('the genuine event is taken after a forgery with its headers', () => {
  test.each([
    ['away', { status: 503, body: '' }, 'unconfirmed'],
    ['refusing the credentials', { status: 401, body: '' }, 'failed'],
  ])('that came while the provider was %s', async (_what, answer, kind) => {
    const genuine = aCapture('20.00');
    const forged = forgeryOf(genuine);
    events.set('everything', answer);
    expect(await take(forged)).toMatchObject({ kind });
    expect(await take(genuine.delivery)).toMatchObject({ kind });
    events.delete('everything');
    knows(genuine);
    expect(await take(genuine.delivery)).toMatchObject({ outcome: 'processed' });
    expect(await payment(genuine)).toMatchObject({ amount_captured: 2_000 });
    expect(await take(forged)).toMatchObject({ outcome: 'collision' });
  });

  test('that is no event at all', async () => {
    const genuine = aCapture('20.00');
    const body = Buffer.from('{"forged":true}');
    const malformed: Delivery = {
      ...withBody(genuine, body.toString()),
      eventId: `sha256-${sha256Hex(body)}`,
      type: 'malformed',
      shape: 'malformed',
    };
    expect(await take(malformed)).toMatchObject({ failure: { code: 'malformed_event' } });
    knows(genuine);
    expect(await take(genuine.delivery)).toMatchObject({ outcome: 'processed' });
  });

  test('that was a suspect', async () => {
    const genuine = aCapture('20.00');
    const forged = forgeryOf(genuine);
    expect(await processSuspect(jobOf(forged), worldOf(forged))).toMatchObject({
      failure: { code: 'event_unconfirmed' },
    });
    knows(genuine);
    expect(await processSuspect(jobOf(genuine.delivery), worldOf(genuine.delivery))).toMatchObject({
      outcome: 'processed',
    });
  });

  test('that says nothing about money', async () => {
    const genuine = aCapture('20.00');
    expect(await take(forgeryOf(genuine, 'VAULT.PAYMENT-TOKEN.CREATED'))).toMatchObject({
      failure: { code: 'event_unconfirmed' },
    });
    knows(genuine);
    expect(await take(genuine.delivery)).toMatchObject({ outcome: 'processed' });
  });
});

test('where the checksum is believed, an event keeps its headers to itself though its attempt failed', async () => {
  const genuine = aCapture('20.00');
  const untranslatable = withBody(genuine, genuine.body.toString().replace('"20.00"', '"twenty"'));
  expect(await take(untranslatable, 'never')).toMatchObject({ failure: { code: 'malformed_amount' } });
  expect(await take(forgeryOf(genuine), 'never')).toMatchObject({ outcome: 'collision' });
});

function take(delivery: Delivery, confirm?: string) {
  return processWebhook(jobOf(delivery), worldOf(delivery, confirm));
}

function jobOf(delivery: Delivery) {
  return { jobId: delivery.eventId, data: delivery, attempt: 1 };
}

function worldOf(delivery: Delivery, wanted?: string) {
  const settings = {
    environment: { simulator: api.origin },
    clientId: 'client',
    clientSecret: 'secret',
    ...(wanted === undefined ? {} : { confirm: wanted }),
  };
  const effects = providerEffects({ production: false, retriesMax: 0 });
  const confirm = paypal.confirmation?.createConfirmer(settings, effects) ?? null;
  const world = processWorld(database.db, {
    endpoints: new Map([['paypal', { settings, confirm }]]),
    now: () => new Date(delivery.receivedAt),
  });
  return { ...world, crashesMax: 3, workerName: 'test' };
}

function knows({ delivery, body }: Capture): void {
  events.set(`/v1/notifications/webhooks-events/${delivery.eventId}`, { status: 200, body });
}

function payment({ captureId }: Capture) {
  return database.db.selectFrom('payments').select('amount_captured').where('id', '=', captureId).executeTakeFirst();
}
