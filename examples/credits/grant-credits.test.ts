import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { encodeBody, sha256Hex, type Delivery } from '@penstock/core/delivery';
import { providerNamed } from '@penstock/core/providers/registry';
import { createTestDatabase } from '@penstock/db/testing/test-database';
import { testPostgresUrl } from '@penstock/local/test-services';
import { processWebhook, type ProcessWorld } from '@penstock/worker/process-webhook';
import { grantCredits } from './grant-credits.ts';

test('a captured payment grants its credits once, told by however many events, however often they come', async () => {
  await using database = await createTestDatabase(testPostgresUrl());
  const { db } = database;
  await sql`
    create table credits (account text, payment text, capture text, amount bigint not null,
                          primary key (account, payment, capture))`.execute(db);
  const world: ProcessWorld = {
    db,
    provider: providerNamed,
    handlers: [grantCredits],
    endpoints: new Map(),
    handlerMs: 1_000,
    now: () => new Date(),
  };
  for (const delivery of [intentSucceeded, chargeSucceeded, intentSucceeded, chargeSucceeded]) {
    const processed = await processWebhook({ jobId: delivery.eventId, data: delivery, attempt: 1 }, world);
    expect(processed.kind).toBe('ended');
  }
  const { rows } = await sql`select payment, amount from credits`.execute(db);
  expect(rows).toEqual([{ payment: 'payment_intent:pi_1', amount: 1_200 }]);
});

// Stripe tells one capture twice.
const intentSucceeded = deliveryOf('payment_intent.succeeded', {
  id: 'pi_1',
  object: 'payment_intent',
  amount: 1_200,
  amount_received: 1_200,
  currency: 'eur',
  status: 'succeeded',
});
const chargeSucceeded = deliveryOf('charge.succeeded', {
  id: 'ch_1',
  object: 'charge',
  amount: 1_200,
  amount_captured: 1_200,
  amount_refunded: 0,
  captured: true,
  currency: 'eur',
  paid: true,
  refunded: false,
  status: 'succeeded',
  payment_intent: 'pi_1',
});

function deliveryOf(type: string, object: Record<string, unknown>): Delivery {
  const eventId = `evt_${String(object['id'])}`;
  const event = { id: eventId, object: 'event', created: 1_790_000_000, livemode: false, type, data: { object } };
  const body = Buffer.from(JSON.stringify(event));
  return {
    v: 1,
    deliveryId: randomUUID(),
    endpoint: 'stripe',
    provider: 'stripe',
    account: 'stripe',
    eventId,
    type,
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
