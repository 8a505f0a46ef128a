import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { expect, inject, test } from 'vitest';
import { storeEvent } from '@penstock/db/events';
import { enterLedger } from '@penstock/db/ledger';
import { createTestDatabase } from '@penstock/db/testing/test-database';
import { aDelivery } from '../../tests/harness/deliveries.ts';
import { copyEvents } from './copy-events.ts';

test('copies are events of their own, as a worker would have stored them, and the next is stored behind them', async () => {
  await using database = await createTestDatabase(inject('postgresUrl'));
  const { db } = database;
  const store = () =>
    db.transaction().execute(async (tx) => {
      const delivery = aDelivery({ eventId: `evt_${randomBytes(10).toString('hex')}` });
      const { id } = await enterLedger(tx, delivery);
      await storeEvent(tx, id, delivery);
      await sql`
        with payment as (
          insert into payments (account, provider, id, status, amount_captured, amount_refunded, refund_state,
            dispute_state, needs_fetch, version, occurred_at)
          values ('stripe', 'stripe', ${`ch_${delivery.eventId}`}, 'captured', 1000, 0, 'none', 'none', false, 1, now())
          returning account, key)
        insert into payment_references (account, reference, payment_key)
        select account, ${`charge:ch_${delivery.eventId}`}, key from payment`.execute(tx);
      return id;
    });
  for (let number = 0; number < 20; number += 1) await store();

  const told: number[] = [];
  await copyEvents(database.url, { events: 200, onProgress: (stored) => told.push(stored) });
  expect(told.at(-1)).toBe(200);
  const { rows } = await sql<Record<string, number>>`
    select (select count(*)::int from ledger) as ledger, (select count(distinct body_sha256)::int from ledger) as bodies,
      (select count(*)::int from ledger join events on events.id = ledger.id and events.recorded_at = ledger.stored_at
        and events.provider_event_id = ledger.provider_event_id and events.request_id = ledger.request_id) as events,
      (select count(*)::int from ledger join deliveries on deliveries.ledger_id = ledger.id) as deliveries,
      (select count(distinct payments.key)::int from payments join payment_references on payment_key = key) as payments,
      (select count(distinct length(provider_event_id))::int from ledger) as lengths`.execute(db);
  expect(rows).toEqual([{ ledger: 200, bodies: 20, events: 200, deliveries: 200, payments: 200, lengths: 1 }]);
  expect(await store()).toBeGreaterThan(200);
});
