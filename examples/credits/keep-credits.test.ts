import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeBody, sha256Hex, type Delivery } from '@penstock/core/delivery';
import { createTestDatabase, type TestDatabase } from '@penstock/db/testing/test-database';
import { testPostgresUrl } from '@penstock/local/test-services';
import { processWebhook } from '@penstock/worker/process-webhook';
import { processWorld } from '@penstock/worker/testing/process-world';
import { creditHandlers } from './keep-credits.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase(testPostgresUrl());
  const table = readFileSync(path.join(import.meta.dirname, 'credits.sql'), 'utf8');
  await sql.raw(table).execute(database.db);
});
afterAll(async () => database[Symbol.asyncDispose]());

test('a captured payment grants its credits once, told by however many events, however often they come', async () => {
  await take([captured('a'), charged('a'), captured('a'), charged('a')]);
  expect(await creditsOf('pi_a')).toBe(1_200);
  expect(await messagesOf('pi_a')).toEqual([1_200]);
});

test('a refund takes back what was refunded, also where it is told first', async () => {
  await take([captured('b'), refunded('b')]);
  expect(await creditsOf('pi_b')).toBe(700);
  await take([refunded('c'), captured('c')]);
  expect(await creditsOf('pi_c')).toBe(700);
});

test('a dispute takes back nothing until it is lost, and gives back what is won after all', async () => {
  await take([captured('d'), disputed('d', { status: 'needs_response', at: 1 })]);
  expect(await creditsOf('pi_d')).toBe(1_200);
  await take([disputed('d', { status: 'lost', at: 2 })]);
  expect(await creditsOf('pi_d')).toBe(0);
  await take([disputed('d', { status: 'won', at: 3 })]);
  expect(await creditsOf('pi_d')).toBe(1_200);
});

async function take(deliveries: readonly Delivery[]): Promise<void> {
  for (const delivery of deliveries) {
    const job = { jobId: delivery.eventId, data: delivery, attempt: 1 };
    const processed = await processWebhook(job, processWorld(database.db, { handlers: creditHandlers }));
    expect(processed.kind).toBe('ended');
  }
}

async function creditsOf(payment: string): Promise<number | undefined> {
  const { rows } = await sql<{ amount: number }>`select amount from credits where payment = ${payment}`.execute(
    database.db,
  );
  return rows[0]?.amount;
}

async function messagesOf(payment: string): Promise<readonly number[]> {
  const { rows } = await sql<{
    amount: number;
  }>`select (payload ->> 'amount')::int as amount from outbox where key = ${payment} order by id`.execute(database.db);
  return rows.map(({ amount }) => amount);
}

// Stripe tells one capture twice.
function captured(name: string): Delivery {
  return deliveryOf('payment_intent.succeeded', 0, {
    id: `pi_${name}`,
    object: 'payment_intent',
    amount: 1_200,
    amount_received: 1_200,
    currency: 'eur',
    status: 'succeeded',
  });
}

function charged(name: string): Delivery {
  return deliveryOf('charge.succeeded', 0, {
    id: `ch_${name}`,
    object: 'charge',
    amount: 1_200,
    amount_captured: 1_200,
    amount_refunded: 0,
    captured: true,
    currency: 'eur',
    paid: true,
    refunded: false,
    status: 'succeeded',
    payment_intent: `pi_${name}`,
  });
}

function refunded(name: string): Delivery {
  return deliveryOf('refund.created', 1, {
    id: `re_${name}`,
    object: 'refund',
    amount: 500,
    currency: 'eur',
    status: 'succeeded',
    charge: `ch_${name}`,
    payment_intent: `pi_${name}`,
  });
}

function disputed(name: string, given: { readonly status: string; readonly at: number }): Delivery {
  return deliveryOf(given.at === 1 ? 'charge.dispute.created' : 'charge.dispute.closed', given.at, {
    id: `dp_${name}`,
    object: 'dispute',
    amount: 1_200,
    currency: 'eur',
    status: given.status,
    charge: `ch_${name}`,
    payment_intent: `pi_${name}`,
    reason: 'fraudulent',
  });
}

function deliveryOf(type: string, at: number, object: Record<string, unknown>): Delivery {
  const eventId = `evt_${String(object['id'])}_${at}`;
  const event = { id: eventId, object: 'event', created: 1_790_000_000 + at, livemode: false, type, data: { object } };
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
    keyId: 'key-1',
    transmissionId: null,
    requestId: 'request-1',
    contentType: 'application/json',
    origin: 'webhook',
    bodySha256: sha256Hex(body),
    body: encodeBody(body),
  };
}
