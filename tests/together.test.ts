import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeBody, sha256Hex, type Delivery } from '@penstock/core/delivery';
import type { LedgerTransaction } from '@penstock/db/database';
import { on } from '@penstock/db/handler';
import { openTogetherStore } from '@penstock/db/together-store';
import { createTestDatabase, type TestDatabase } from '@penstock/db/testing/test-database';
import { testPostgresUrl } from '@penstock/local/test-services';
import { observeHandlerTimes } from '@penstock/worker/handler-times';
import { processTogether, type TogetherWorld } from '@penstock/worker/process-together';
import { processWebhook, type Processed } from '@penstock/worker/process-webhook';
import { processWorld } from '@penstock/worker/testing/process-world';
import { paypalEvents, stripeEvents, type ProviderEvent } from './fixtures/lives.ts';
import { aDelivery } from './harness/deliveries.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase(testPostgresUrl());
  await sql`create table effects (account text not null, event_id text not null)`.execute(database.db);
});
afterAll(() => database[Symbol.asyncDispose]());

const lives = { stripe: stripeEvents(), paypal: paypalEvents() };
type Provider = keyof typeof lives;

describe('jobs that are processed together', () => {
  test(
    'leave the same rows and effects as jobs that are processed alone, in whatever groups',
    { timeout: 180_000 },
    async () => {
      const providers: readonly Provider[] = ['stripe', 'paypal'];
      for (const provider of providers)
        for (const delivery of deliveriesOf(provider, `${provider}-alone`)) await alone(delivery, worldOf());
      const expected = { stripe: await rowsOf('stripe-alone'), paypal: await rowsOf('paypal-alone') };
      expect(expected.stripe['payments']).toHaveLength(1);
      expect(expected.stripe['effects']).toHaveLength(lives.stripe.length);

      let run = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.infiniteStream(fc.nat()),
          fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1 }),
          async (order, sizes) => {
            run += 1;
            const accounts = [`stripe-${run}`, `paypal-${run}`, `stripe-${run}-b`] as const;
            const [first, second, third] = accounts;
            const deliveries = [
              ...deliveriesOf('stripe', first),
              ...deliveriesOf('paypal', second),
              ...deliveriesOf('stripe', third),
            ];
            // Each comes twice, and two workers take groups of them at once.
            const waiting = [...deliveries, ...deliveries]
              .map((delivery) => ({ delivery, at: order.next().value ?? 0 }))
              .toSorted((one, other) => one.at - other.at)
              .map(({ delivery }) => delivery);
            await Promise.all([takeGroups(waiting, sizes), takeGroups(waiting, sizes.toReversed())]);
            expect(await rowsOf(first)).toEqual(expected.stripe);
            expect(await rowsOf(second)).toEqual(expected.paypal);
            expect(await rowsOf(third)).toEqual(expected.stripe);
          },
        ),
        { numRuns: 6 },
      );
    },
  );

  test('are one transaction: eight payments, one commit', async () => {
    const deliveries = Array.from({ length: 8 }, (_, number) => aCharge(`ch_one_${number}`));
    const results = await processTogether(jobsOf(deliveries), worldOf());
    expect(results.map(kindOf)).toEqual(deliveries.map(() => 'processed'));
    const { rows } = await sql`
      select distinct xmin::text from payments where id like 'ch_one_%'`.execute(database.db);
    expect(rows).toHaveLength(1);
  });

  test('suffer nothing by one of them whose handler fails: it alone is tried again, and no effect is doubled', async () => {
    const deliveries = ['ch_good_1', 'ch_poison', 'ch_good_2'].map(aCharge);
    const results = await processTogether(jobsOf(deliveries), worldOf());
    expect(results.map(kindOf)).toEqual(['processed', 'failed', 'processed']);
    const effects = await effectsOf(deliveries);
    expect(effects).toEqual([1, 0, 1]);
    expect(results[1]).toMatchObject({ kind: 'failed', next: { kind: 'retry' }, failure: { code: 'handler_failed' } });
  });

  test('are no two of one payment, one event, or anything that a signature does not prove', async () => {
    const refund = aRefund('re_twin', 'ch_twin');
    const charge = aCharge('ch_twin');
    const fetched = { ...aCharge('ch_other'), tier: 'fetched' as const };
    const bound = { ...aCharge('ch_bound'), transmissionId: 'transmission-1' };
    const results = await processTogether(
      jobsOf([charge, aCharge('ch_free'), refund, charge, fetched, bound]),
      worldOf(),
    );
    expect(results.map(kindOf)).toEqual(['processed', 'processed', 'again', 'again', 'alone', 'alone']);
  });

  test('that wait for the next transaction are read once', async () => {
    const asked: string[] = [];
    const world = worldOf();
    const watched: TogetherWorld = { ...world, provider: (id) => (asked.push(id), world.provider(id)) };
    const jobs = jobsOf([aCharge('ch_twice'), aRefund('re_twice', 'ch_twice'), aCharge('ch_once'), aCharge('ch_next')]);
    const first = await processTogether(jobs.slice(0, 3), watched);
    expect(first.map(kindOf)).toEqual(['processed', 'again', 'processed']);
    asked.length = 0;
    const next = await processTogether([...jobs.slice(1, 2), ...jobs.slice(3)], watched);
    expect({ next: next.map(kindOf), asked }).toEqual({ next: ['processed', 'processed'], asked: ['stripe'] });
  });

  test('do not wait for a handler that is slow: its events are processed alone', async () => {
    const world = worldOf();
    world.handlerTimes.add('count-effects', 500);
    const results = await processTogether(jobsOf([aCharge('ch_slow_1'), aCharge('ch_slow_2')]), world);
    expect(results).toEqual(['alone', 'alone']);
  });
});

function worldOf(): TogetherWorld {
  return {
    ...processWorld(database.db, {
      endpoints: new Map(['stripe', 'paypal'].map((name) => [name, { settings: {}, confirm: null }])),
      handlers: [
        on('*', 'count-effects', async ({ tx, event, payment }) => {
          await countEffect(tx, event);
          if (payment?.payment.id === 'ch_poison') throw new Error('this payment cannot be handled yet');
        }),
      ],
    }),
    together: openTogetherStore(database.db),
    handlerTimes: observeHandlerTimes(),
    readings: new WeakMap(),
  };
}

async function countEffect(
  tx: LedgerTransaction,
  event: { readonly account: string; readonly id: string },
): Promise<void> {
  await sql`insert into effects (account, event_id) values (${event.account}, ${event.id})`.execute(tx);
}

/** Takes groups of these sizes, over and over, until nothing waits; what is not taken together goes alone. */
async function takeGroups(waiting: Delivery[], sizes: readonly number[]): Promise<void> {
  const world = worldOf();
  for (let round = 0; waiting.length > 0; round += 1) {
    const group = waiting.splice(0, sizes[round % sizes.length] ?? 1);
    const jobs = jobsOf(group);
    const results = await processTogether(jobs, world);
    for (const [position, result] of results.entries()) {
      const delivery = group[position];
      if (delivery !== undefined && (result === 'alone' || result === 'again')) await alone(delivery, world);
    }
  }
}

async function alone(delivery: Delivery, world: TogetherWorld): Promise<void> {
  const [job] = jobsOf([delivery]);
  if (job === undefined) return;
  let processed = await processWebhook(job, world);
  // Two workers may meet in a deadlock; the queue then hands the job out again.
  while (processed.kind === 'outage') processed = await processWebhook(job, world);
  expect(processed.kind).toBe('ended');
}

function jobsOf(deliveries: readonly Delivery[]) {
  return deliveries.map((delivery) => ({
    jobId: `${delivery.endpoint}.${delivery.eventId}`,
    data: delivery,
    attempt: 1,
  }));
}

function kindOf(result: Processed | 'alone' | 'again' | undefined): string | undefined {
  if (result === undefined || typeof result === 'string') return result;
  return result.kind === 'ended' ? result.outcome : result.kind;
}

/** Everything that is known of an account, but for the keys and times of its rows. */
async function rowsOf(account: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const volatile = [
    'key',
    'id',
    'payment_key',
    'ledger_id',
    'event_id',
    'outbox_id',
    'account',
    'updated_at',
    'stored_at',
  ];
  const more = [
    'recorded_at',
    'touched_at',
    'finished_at',
    'received_at',
    'request_id',
    'delivery_id',
    'subject',
    'opened_at',
  ];
  const away = sql`array[${sql.join([...volatile, ...more, 'opened_by', 'closed_at', 'closed_by_event', 'fetch_after', 'duration_ms'])}]::text[]`;
  const read = async (table: string, where = sql`account = ${account}`): Promise<readonly string[]> => {
    const { rows } = await sql<{ row: string }>`
      select (to_jsonb(t) - ${away})::text as row from ${sql.id(table)} t where ${where} order by 1`.execute(
      database.db,
    );
    return rows.map(({ row }) => row);
  };
  const ofAccount = sql`ledger_id in (select id from ledger where account = ${account})`;
  return {
    ledger: await read('ledger'),
    events: await read('events'),
    payments: await read('payments'),
    references: await read('payment_references'),
    facts: await read('payment_facts'),
    refunds: await read('refunds'),
    disputes: await read('disputes'),
    payouts: await read('payouts'),
    conflicts: await read('conflicts', sql`account = ${account} and state = 'open'`),
    runs: await read('handler_runs', ofAccount),
    effects: (
      await sql<{ event_id: string }>`select event_id from effects where account = ${account} order by 1`.execute(
        database.db,
      )
    ).rows.map(({ event_id }) => event_id),
  };
}

async function effectsOf(deliveries: readonly Delivery[]): Promise<readonly number[]> {
  return Promise.all(
    deliveries.map(async ({ eventId }) => {
      const { rows } = await sql`select from effects where event_id = ${eventId}`.execute(database.db);
      return rows.length;
    }),
  );
}

function deliveriesOf(provider: Provider, account: string): readonly Delivery[] {
  return lives[provider].map((event) => deliveryOf(event, { provider, account }));
}

function deliveryOf(event: ProviderEvent, owner: { readonly provider: string; readonly account: string }): Delivery {
  const body = Buffer.from(event.body);
  return {
    ...aDelivery({ endpoint: owner.provider }),
    ...owner,
    eventId: event.id,
    type: event.type,
    bodySha256: sha256Hex(body),
    body: encodeBody(body),
  };
}

function aCharge(id: string): Delivery {
  return aStripeDelivery('charge.succeeded', {
    id,
    object: 'charge',
    amount: 500,
    amount_captured: 500,
    amount_refunded: 0,
    captured: true,
    currency: 'eur',
    paid: true,
    refunded: false,
    status: 'succeeded',
  });
}

function aRefund(id: string, charge: string): Delivery {
  return aStripeDelivery('refund.created', {
    id,
    object: 'refund',
    amount: 100,
    currency: 'eur',
    status: 'succeeded',
    charge,
  });
}

function aStripeDelivery(type: string, object: Readonly<Record<string, unknown>>): Delivery {
  const eventId = `evt_${type.replace('.', '_')}_${String(object['id'])}`;
  const text = JSON.stringify({
    id: eventId,
    object: 'event',
    type,
    created: 1_790_000_000,
    livemode: false,
    data: { object },
  });
  return aDelivery({ eventId, type, text, account: 'acme' });
}
