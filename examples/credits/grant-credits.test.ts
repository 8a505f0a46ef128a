import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { encodeBody, sha256Hex, type Delivery } from '@penstock/core/delivery';
import { providerNamed } from '@penstock/core/providers/registry';
import { createTestDatabase } from '@penstock/db/testing/test-database';
import { testPostgresUrl } from '@penstock/local/test-services';
import { processWebhook, type ProcessWorld } from '@penstock/worker/process-webhook';
import { grantCredits } from './grant-credits.ts';

test('a captured payment grants its credits once, however often its event comes', async () => {
  await using database = await createTestDatabase(testPostgresUrl());
  const { db } = database;
  await sql`create table credits (event_id text not null, amount bigint not null)`.execute(db);
  const world: ProcessWorld = {
    db,
    provider: providerNamed,
    handlers: [grantCredits],
    handlerMs: 1_000,
    now: () => new Date(),
    stopping: new AbortController().signal,
  };
  const job = { jobId: 'stripe.evt_1', data: capturedPayment(1_200), attempt: 1 };
  expect(await processWebhook(job, world)).toMatchObject({ kind: 'ended', outcome: 'processed' });
  expect(await processWebhook(job, world)).toMatchObject({ kind: 'ended', outcome: 'duplicate' });
  const { rows } = await sql`select event_id, amount from credits`.execute(db);
  expect(rows).toEqual([{ event_id: 'evt_1', amount: 1_200 }]);
  expect(await db.selectFrom('outbox').select(['topic', 'payload']).execute()).toEqual([
    { topic: 'credits.granted', payload: { amount: 1_200 } },
  ]);
});

function capturedPayment(amount: number): Delivery {
  const intent = {
    id: 'pi_1',
    object: 'payment_intent',
    amount,
    amount_received: amount,
    currency: 'eur',
    status: 'succeeded',
  };
  const event = {
    id: 'evt_1',
    object: 'event',
    created: 1_790_000_000,
    livemode: false,
    type: 'payment_intent.succeeded',
    data: { object: intent },
  };
  const body = Buffer.from(JSON.stringify(event));
  return {
    v: 1,
    deliveryId: randomUUID(),
    endpoint: 'stripe',
    provider: 'stripe',
    account: 'stripe',
    eventId: 'evt_1',
    type: 'payment_intent.succeeded',
    shape: 'event',
    occurredAt: null,
    receivedAt: new Date().toISOString(),
    livemode: false,
    apiVersion: null,
    providerAccount: null,
    tier: 'full',
    keyId: 'secret-1',
    transmissionId: null,
    requestId: 'request-1',
    contentType: 'application/json',
    origin: 'webhook',
    bodySha256: sha256Hex(body),
    body: encodeBody(body),
  };
}
