import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Delivery } from '@penstock/core/delivery';
import { openTogetherStore } from '@penstock/db/together-store';
import { createTestDatabase, type TestDatabase } from '@penstock/db/testing/test-database';
import { testPostgresUrl } from '@penstock/local/test-services';
import { observeHandlerTimes } from '@penstock/worker/handler-times';
import { processTogether, type TogetherWorld } from '@penstock/worker/process-together';
import { processWebhook } from '@penstock/worker/process-webhook';
import { processWorld } from '@penstock/worker/testing/process-world';
import { aDelivery } from './harness/deliveries.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase(testPostgresUrl());
});
afterAll(() => database[Symbol.asyncDispose]());

test('events of one payment that share none of its names are not folded together, each without the other', async () => {
  const world = worldOf();
  const amounts = { amount: 500, amount_captured: 500, amount_refunded: 0, currency: 'eur', captured: true };
  await alone(told('charge.succeeded', { id: 'ch_1', payment_intent: 'pi_1', status: 'succeeded', ...amounts }), world);
  const refunds = [
    told('refund.created', { id: 're_1', charge: 'ch_1', amount: 100, currency: 'eur', status: 'succeeded' }),
    told('refund.created', { id: 're_2', payment_intent: 'pi_1', amount: 200, currency: 'eur', status: 'succeeded' }),
  ];
  expect(await processTogether(refunds.map(jobOf), world)).toEqual(['alone', 'alone']);
  for (const refund of refunds) await alone(refund, world);

  const payments = await database.db.selectFrom('payments').select(['amount_refunded', 'version']).execute();
  expect(payments).toEqual([{ amount_refunded: 300, version: 3 }]);
});

function worldOf(): TogetherWorld {
  return {
    ...processWorld(database.db, { handlers: [] }),
    together: openTogetherStore(database.db),
    handlerTimes: observeHandlerTimes(),
    readings: new WeakMap(),
  };
}

async function alone(delivery: Delivery, world: TogetherWorld): Promise<void> {
  expect(await processWebhook(jobOf(delivery), world)).toMatchObject({ kind: 'ended', outcome: 'processed' });
}

function jobOf(delivery: Delivery) {
  return { jobId: `stripe.${delivery.eventId}`, data: delivery, attempt: 1 };
}

function told(type: string, object: Readonly<Record<string, unknown>>): Delivery {
  const eventId = `evt_${String(object['id'])}`;
  const event = {
    id: eventId,
    object: 'event',
    type,
    created: 1_790_000_000,
    livemode: false,
    data: { object: { object: type.split('.')[0], ...object } },
  };
  return aDelivery({ eventId, type, text: JSON.stringify(event) });
}
