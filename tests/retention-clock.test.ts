import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { on } from '@penstock/db/handler';
import { createMonthsAhead, listMonths } from '@penstock/db/months';
import { processWebhook } from '@penstock/worker/process-webhook';
import { processWorld } from '@penstock/worker/testing/process-world';
import { aDelivery } from './harness/deliveries.ts';
import { createTestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

const DAY_MS = 86_400_000;

test('a worker whose clock is a year ahead drops nothing before its time, and makes the months that are needed', async () => {
  await using system = await createTestSystem();
  const { db } = system;
  const at = new Date(Date.now() - 100 * DAY_MS);
  await createMonthsAhead(db, { now: at, ahead: 0 });
  const delivery = aDelivery();
  await sql`
    with entry as (
      insert into ledger (account, provider_event_id, endpoint, provider, job_id, body_sha256, received_at, stored_at, request_id)
      values (${delivery.account}, ${delivery.eventId}, ${delivery.endpoint}, ${delivery.provider}, ${`stripe.${delivery.eventId}`},
              decode(${delivery.bodySha256}, 'hex'), ${at}, ${at}, ${delivery.requestId}) returning id),
    message as (
      insert into outbox (ledger_id, topic, key, payload, created_at) select id, 't', 'k', '{}', ${at} from entry returning id)
    insert into outbox_deliveries (outbox_id, destination, state, finished_at)
    select id, 'somewhere', 'delivered', ${at} from message`.execute(db);
  const handlers = [on('stripe:customer.created', 'handle', async () => undefined)];
  const endpoints = new Map([[delivery.endpoint, { settings: {}, confirm: null }]]);
  const job = { jobId: delivery.eventId, data: delivery, attempt: 1 };
  expect(await processWebhook(job, processWorld(db, { handlers, endpoints }))).toMatchObject({ kind: 'ended' });
  const before = await kept();
  expect(before).toEqual({ events: 1, handler_runs: 1, outbox: 1, outbox_deliveries: 1 });
  const months = (await listMonths(db)).map(({ name }) => name);

  const { healthUrl, output } = await system.startWorker({}, 'tests/fixtures/worker-a-year-ahead.ts');
  await until(
    async () => /penstock_months_ahead\{[^}]*\} 3\b/.test(await (await fetch(`${healthUrl}/metrics`)).text()),
    { what: 'the storage to have been looked after' },
  );
  expect(await kept(), output()).toEqual(before);
  expect((await listMonths(db)).map(({ name }) => name)).toEqual(months);

  async function kept() {
    const { rows } = await sql<Readonly<Record<string, number>>>`
      select (select count(*)::int from events) as events, (select count(*)::int from handler_runs) as handler_runs,
             (select count(*)::int from outbox) as outbox, (select count(*)::int from outbox_deliveries) as outbox_deliveries
      `.execute(db);
    return rows[0];
  }
});
