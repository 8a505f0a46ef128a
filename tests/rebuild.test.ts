import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeBody, sha256Hex, type Delivery } from '@penstock/core/delivery';
import { providerNamed } from '@penstock/core/providers/registry';
import type { LedgerDatabase } from '@penstock/db/database';
import { createTestDatabase, type TestDatabase } from '@penstock/db/testing/test-database';
import { testPostgresUrl } from '@penstock/local/test-services';
import { processWebhook } from '@penstock/worker/process-webhook';
import { rebuild } from '@penstock/worker/rebuild';
import { processWorld } from '@penstock/worker/testing/process-world';
import { paypalEvents, stripeEvents } from './fixtures/lives.ts';
import { compileCache } from './harness/process.ts';
import { aDelivery } from './harness/deliveries.ts';
import { aStripeEvent } from './harness/system.ts';

let database: TestDatabase;
let db: LedgerDatabase;
beforeAll(async () => {
  database = await createTestDatabase(testPostgresUrl());
  ({ db } = database);
  for (const [provider, events] of Object.entries({ stripe: stripeEvents(), paypal: paypalEvents() }))
    for (const account of ['one', 'two'])
      for (const event of account === 'one' ? events : events.toReversed())
        await take(deliveryOf(event, { provider, account: `${provider}-${account}` }));
});
afterAll(async () => database[Symbol.asyncDispose]());

test('what is rebuilt from the events is what is live, keys and all', async () => {
  const { differences, events } = await rebuildIn(db, { adopt: false });
  expect(events).toBeGreaterThan(20);
  expect(differing(differences)).toEqual({});
});

describe('a live table that is not what the events say', () => {
  test('is told row by row, and is left alone unless it is to be mended', async () => {
    await tamper();
    const { differences } = await rebuildIn(db, { adopt: false });
    expect(differing(differences)).toEqual({
      payments: [0, 1, 1],
      refunds: [1, 0, 0],
      payment_references: [0, 1, 0],
    });
    expect(differing((await rebuildIn(db, { adopt: false })).differences)).not.toEqual({});
  });

  test('is mended in one transaction, and is the same as before it was changed', async () => {
    expect((await rebuildIn(db, { adopt: true })).adopted).toBe(true);
    expect(differing((await rebuildIn(db, { adopt: false })).differences)).toEqual({});
    expect(await snapshot()).toEqual(await before);
  });
});

test('events that are folded while it runs are in it', async () => {
  const coming = Array.from({ length: 30 }, (_, number) => aChargeDelivery(`ch_during_${number}`));
  let taken: Promise<unknown> = Promise.resolve();
  const { differences } = await rebuild(
    {
      db,
      provider: providerNamed,
      settingsOf: () => undefined,
      onProgress: ({ phase }) => {
        if (phase !== 'reading' || coming.length === 0) return;
        const now = coming.splice(0);
        taken = Promise.all(now.map(take));
      },
    },
    { schema: 'during', adopt: true, keep: false },
  );
  await taken;
  expect(differing(differences)).toEqual({});
  expect(differing((await rebuildIn(db, { adopt: false })).differences)).toEqual({});
  const { rows } = await sql`select from payments where id like 'ch_during_%'`.execute(db);
  expect(rows).toHaveLength(30);
});

test('events on both sides of a long gap in the ids are rebuilt', async () => {
  await using gapped = await createTestDatabase(testPostgresUrl());
  await storeCharges(gapped.db, { from: 1, upto: 10 });
  await sql`select setval(pg_get_serial_sequence('ledger', 'id'), 5000000000000)`.execute(gapped.db);
  await storeCharges(gapped.db, { from: 11, upto: 20 });
  const { events, differences } = await rebuildIn(gapped.db, { adopt: false });
  expect(events).toBe(40);
  expect(differing(differences)).toMatchObject({ payments: [20, 0, 0], refunds: [20, 0, 0] });
});

test('a hundred thousand events are rebuilt into the payments that they tell of', { timeout: 300_000 }, async () => {
  await using large = await createTestDatabase(testPostgresUrl());
  await storeCharges(large.db, { from: 1, upto: 50_000 });
  const { events, differences } = await rebuildIn(large.db, { adopt: true });
  expect(events).toBe(100_000);
  expect(differing(differences)).toMatchObject({ payments: [50_000, 0, 0], refunds: [50_000, 0, 0] });
  const { rows } = await sql`
    select count(*)::int as payments, sum(amount_captured)::int as captured, sum(amount_refunded)::int as refunded
    from payments where status = 'captured' and refund_state = 'partial'`.execute(large.db);
  expect(rows).toEqual([{ payments: 50_000, captured: 50_000 * 500, refunded: 50_000 * 100 }]);
});

describe('pnpm rebuild', () => {
  test('tells what differs, and mends it', async () => {
    expect(await run('rebuild', '--check')).toMatchObject({ code: 0, stdout: expect.stringContaining('payments') });
    await sql`update payments set amount_captured = amount_captured + 1 where id = 'ch_during_1'`.execute(db);
    const checked = await run('rebuild', '--check');
    expect([checked.code, checked.stdout]).toEqual([
      1,
      expect.stringMatching(/payments +0 missing, 0 unexpected, 1 changed/),
    ]);
    expect((await run('rebuild')).stdout).toContain('The live tables are now what the events say.');
    expect((await run('rebuild', '--check')).code).toBe(0);
  });

  test('leaves its result in another schema where it is told to', async () => {
    expect((await run('rebuild', '--into', 'aside')).stdout).toContain('The result is in the schema aside');
    const { rows } = await sql`select from aside.payments where id = 'ch_during_1'`.execute(db);
    expect(rows).toHaveLength(1);
    await sql`drop schema aside cascade`.execute(db);
  });

  test.each([['--into', 'public'], ['--into', 'Robert"; drop'], ['--fast'], ['--check', '--into', 'x']])(
    'refuses %s %s',
    async (...args) => {
      expect((await run('rebuild', ...args)).code).toBe(78);
    },
  );
});

describe('pnpm payment', () => {
  test('tells each event with what it changed, and how the payment was known at a time', async () => {
    const created = aChargeDelivery('ch_told');
    await take(created);
    const { finished_at: between } = await db
      .selectFrom('ledger')
      .select('finished_at')
      .where('provider_event_id', '=', created.eventId)
      .executeTakeFirstOrThrow();
    await take(aRefundDelivery('re_told', 'ch_told'));
    const { stdout } = await run('payment', 'ch_told');
    expect(stdout).toMatch(/charge\.succeeded evt_\w+\n  happened .*, arrived .*, applied .*\n  status: captured/);
    expect(stdout).toMatch(
      /refund\.created evt_\w+\n.*\n  refunded: 0\.00 EUR → 1\.00 EUR\n  refund re_told: succeeded 1\.00 EUR/,
    );
    expect((await run('payment', 're_told', '--at', between?.toISOString() ?? '')).stdout).toMatch(
      /refunded +0\.00 EUR\n +dispute/,
    );
    expect((await run('payment', 'ch_told', '--at', '2020-01-01T00:00:00Z')).stdout).toContain('Nothing was known');
    const told: unknown = JSON.parse((await run('payment', 'ch_told', '--json')).stdout);
    expect(told).toMatchObject({
      state: { payment: { amountRefunded: 100 } },
      events: [{ type: 'charge.succeeded' }, {}],
    });
  });

  test('says so where there is none, or the question cannot be', async () => {
    expect(await run('payment', 'ch_nowhere')).toMatchObject({ code: 1, stderr: 'No payment goes by ch_nowhere.\n' });
    expect((await run('payment')).code).toBe(64);
    expect((await run('payment', 'ch_told', '--at', 'yesterday')).code).toBe(78);
  });
});

let before: Promise<unknown> = Promise.resolve();

/** A row changed, one gone, one too many. */
async function tamper(): Promise<void> {
  before = snapshot();
  await before;
  await sql`update payments set status = 'failed' where key = (select min(key) from payments)`.execute(db);
  await sql`delete from refunds where (account, id) = (select account, id from refunds order by 1, 2 limit 1)`.execute(
    db,
  );
  await sql`
    with extra as (insert into payments (account, provider, id, status, amount_captured, amount_refunded, refund_state,
                                         dispute_state, needs_fetch, version, occurred_at)
                   values ('stripe-one', 'stripe', 'ch_invented', 'captured', 1, 0, 'none', 'none', false, 1, now())
                   returning key)
    insert into payment_references (account, reference, payment_key) select 'stripe-one', 'charge:ch_invented', key from extra`.execute(
    db,
  );
}

async function snapshot(): Promise<unknown> {
  const tables = ['payments', 'payment_references', 'refunds', 'disputes', 'payouts', 'payment_facts'];
  return Promise.all(
    tables.map(async (table) => {
      const { rows } = await sql<{ row: string }>`
        select (to_jsonb(t) - 'updated_at')::text as row from ${sql.id(table)} t order by 1`.execute(db);
      return rows.map(({ row }) => row);
    }),
  );
}

function rebuildIn(where: LedgerDatabase, options: { readonly adopt: boolean }) {
  return rebuild(
    { db: where, provider: providerNamed, settingsOf: () => undefined },
    { schema: 'rebuilt', adopt: options.adopt, keep: false },
  );
}

/** Missing, unexpected and changed rows by table, where there are any. */
function differing(differences: Awaited<ReturnType<typeof rebuild>>['differences']) {
  return Object.fromEntries(
    differences
      .map(({ table, missing, unexpected, changed }) => [table, [missing, unexpected, changed]] as const)
      .filter(([, counts]) => counts.some((count) => count > 0)),
  );
}

async function take(delivery: Delivery): Promise<void> {
  const world = processWorld(db, { endpoints: new Map([[delivery.endpoint, { settings: {}, confirm: null }]]) });
  const job = { jobId: delivery.eventId, data: delivery, attempt: 1 };
  let processed = await processWebhook(job, world);
  while (processed.kind === 'outage') processed = await processWebhook(job, world);
  expect(processed.kind).toBe('ended');
}

function deliveryOf(
  event: { readonly id: string; readonly type: string; readonly body: string },
  owner: { readonly provider: string; readonly account: string },
): Delivery {
  const body = Buffer.from(event.body);
  const { id: eventId, type } = event;
  return {
    ...aDelivery({ endpoint: owner.provider }),
    ...owner,
    eventId,
    type,
    bodySha256: sha256Hex(body),
    body: encodeBody(body),
  };
}

function aChargeDelivery(id: string): Delivery {
  const object = {
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
  };
  const event = aStripeEvent({ type: 'charge.succeeded', object });
  return aDelivery({ eventId: event.id, type: 'charge.succeeded', text: event.body.toString() });
}

function aRefundDelivery(id: string, charge: string): Delivery {
  const object = { id, object: 'refund', amount: 100, currency: 'eur', status: 'succeeded', charge };
  const event = aStripeEvent({ type: 'refund.created', object, created: 1_790_000_001 });
  return aDelivery({ eventId: event.id, type: 'refund.created', text: event.body.toString() });
}

/** Stores a charge and a refund of each of so many payments as processed, and nothing of what they say. */
async function storeCharges(
  where: LedgerDatabase,
  payments: { readonly from: number; readonly upto: number },
): Promise<void> {
  const numbers = sql`generate_series(${payments.from}::int, ${payments.upto}::int) n`;
  await sql`
    with told as (
      select 'evt_c' || n as event_id, 'charge.succeeded' as type,
             json_build_object('id', 'evt_c' || n, 'object', 'event', 'type', 'charge.succeeded', 'created', 1790000000,
               'livemode', false, 'data', json_build_object('object', json_build_object('id', 'ch_' || n, 'object', 'charge',
               'amount', 500, 'amount_captured', 500, 'amount_refunded', 0, 'captured', true, 'currency', 'eur', 'paid', true,
               'refunded', false, 'status', 'succeeded')))::text as body
      from ${numbers}
      union all
      select 'evt_r' || n, 'refund.created',
             json_build_object('id', 'evt_r' || n, 'object', 'event', 'type', 'refund.created', 'created', 1790000001,
               'livemode', false, 'data', json_build_object('object', json_build_object('id', 're_' || n, 'object', 'refund',
               'amount', 100, 'currency', 'eur', 'status', 'succeeded', 'charge', 'ch_' || n)))::text
      from ${numbers}),
    entered as (
      insert into ledger (account, provider_event_id, endpoint, provider, job_id, body_sha256, state, finished_at, received_at, request_id)
      select 'acme', event_id, 'stripe', 'stripe', 'stripe.' || event_id, sha256(convert_to(body, 'utf8')), 'processed', now(), now(), 'r'
      from told order by md5(event_id) returning id, provider_event_id)
    insert into events (id, account, endpoint, provider, provider_event_id, type, shape, received_at, tier, key_id, request_id, origin, body_sha256, body)
    select id, 'acme', 'stripe', 'stripe', event_id, type, 'event', now(), 'full', 'key', 'r', 'webhook', sha256(convert_to(body, 'utf8')), convert_to(body, 'utf8')
    from entered join told on event_id = provider_event_id`.execute(where);
}

async function run(command: 'rebuild' | 'payment', ...args: readonly string[]) {
  const child = spawn(process.execPath, [`apps/worker/src/commands/${command}.ts`, ...args], {
    env: {
      PATH: process.env['PATH'],
      ...compileCache(),
      DATABASE_URL: database.url,
      PENSTOCK_CONFIG: 'tests/harness/stripe.test.config.ts',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [code, stdout, stderr] = await Promise.all([exited, text(child.stdout), text(child.stderr)]);
  return { code, stdout, stderr };
}
