import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runConsole, testOperatorPassword } from '@penstock/console/testing/run-console';
import { openDatabase, type LedgerDatabase } from '@penstock/db/database';
import { createEmptyDatabase } from '@penstock/db/testing/test-database';
import { testPostgresUrl } from '@penstock/local/test-services';
import { runScript } from './harness/commands.ts';
import { aStripeEvent, createTestSystem, postStripe, type TestIngest, type TestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

/** The fleet as production runs it: the owner migrates, and everybody else has a role of their own. */
let resources: AsyncDisposableStack;
let urls: Readonly<Record<'owner' | 'worker' | 'console' | 'read', string>>;
let admin: LedgerDatabase;
let system: TestSystem;
let ingest: TestIngest;
const owner = `owner_${randomUUID().slice(0, 8)}`;
const open = (url: string): LedgerDatabase => resources.use(openDatabase({ url, poolMax: 2, applicationName: 'test' }));

beforeAll(async () => {
  resources = new AsyncDisposableStack();
  const database = resources.use(await createEmptyDatabase(testPostgresUrl()));
  const { pathname } = new URL(database.url);
  const as = (user: string): string => {
    const url = new URL(database.url);
    url.username = user;
    url.password = 'of-the-tests';
    return url.href;
  };
  urls = {
    owner: as(owner),
    worker: as('penstock_worker'),
    console: as('penstock_console'),
    read: as('penstock_read'),
  };
  admin = open(database.url);
  await sql`create role ${sql.id(owner)} login password 'of-the-tests'`.execute(admin);
  await sql`alter database ${sql.id(pathname.slice(1))} owner to ${sql.id(owner)}`.execute(admin);
  // As it is up to PostgreSQL 14, and in a database that came from one.
  await sql`grant create on schema public to public`.execute(admin);
  resources.defer(async () => {
    await sql`reassign owned by ${sql.id(owner)} to current_user`.execute(admin);
    await sql`drop role ${sql.id(owner)}`.execute(admin);
  });
  const made = await migrate(database.url, 'roles');
  expect(made.stdout).toContain('The schema is not migrated yet');
  for (const role of ['penstock_worker', 'penstock_console', 'penstock_read'])
    await sql`alter role ${sql.id(role)} login password 'of-the-tests'`.execute(admin);
  expect(await migrate(urls.owner)).toMatchObject({ code: 0, stderr: '' });

  const ofOwner = open(urls.owner);
  await sql`create table effects (event_id text not null)`.execute(ofOwner);
  await sql`create table repaired (at timestamptz not null default now())`.execute(ofOwner);
  // What a handler writes is the user's own, and granted by them.
  await sql`grant insert, select on effects, repaired to penstock_worker`.execute(ofOwner);
  await storeOldEvent(ofOwner);
  system = resources.use(await createTestSystem('redis', { DATABASE_URL: urls.worker, EVENT_RETENTION_DAYS: '35' }));
  ingest = await system.startIngest({ DATABASE_URL: '' });
}, 180_000);
afterAll(() => resources.disposeAsync());

test('ingest, worker, console and read API do their work under roles of their own', { timeout: 240_000 }, async () => {
  const worker = await system.startWorker();
  const charge = { id: 'ch_1', object: 'charge', amount: 500, currency: 'eur', status: 'succeeded', captured: true };
  const [paid, poison] = [
    aStripeEvent({ type: 'charge.succeeded', object: { ...charge, amount_captured: 500 } }),
    aStripeEvent({ type: 'customer.updated' }),
  ];
  for (const { body } of [paid, poison]) expect((await postStripe(ingest, body)).status).toBe(200);
  await until(async () => (await stateOf(paid.id)) === 'processed', { what: 'the payment to be folded' });
  await until(async () => (await stateOf(poison.id)) === 'dead', { what: 'the poison to be dead' });

  // The retention drops months by functions that have their owner's rights.
  await until(async () => (await months()).every((name) => !name.includes('2025_01')), { what: 'January to be gone' });

  const environment = { ...system.environment, DATABASE_URL: urls.console, DATABASE_REPLICA_URL: urls.read };
  const asConsole = (script: string, ...args: readonly string[]) => runScript(script, args, environment);
  await using running = await runConsole({ environment });
  const cookie = await running.logIn(testOperatorPassword);
  for (const path of ['/', '/payments/ch_1', '/conflicts', '/keys', '/sla', '/dead', `/dead/${poison.id}`, '/replays'])
    expect([path, (await running.ask(path, { cookie, headers: { accept: 'text/html' } })).status]).toEqual([path, 200]);
  const key = await asConsole(
    'apps/console/src/commands/api-key.ts',
    'create',
    '--name',
    'x',
    '--scopes',
    'events:read,payments:read,payloads:read',
  );
  const authorization = `Bearer ${key.stdout.trim()}`;
  for (const path of ['/api/payments', '/api/events', '/api/refunds', '/api/disputes', '/api/payouts'])
    expect([path, (await running.ask(path, { headers: { authorization } })).status]).toEqual([path, 200]);

  const page = await (await running.ask('/replays', { cookie, headers: { accept: 'text/html' } })).text();
  const csrf = /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
  const post = (path: string, form: Record<string, string>) =>
    running.ask(path, { method: 'POST', cookie, body: new URLSearchParams({ ...form, csrf }) });
  const planned = (await post('/replays', { type: 'customer.*', why: 'mended' })).headers.get('location') ?? '';
  expect((await post(`${planned}/apply`, {})).status).toBe(303);
  await until(
    async () => {
      const { rows } = await sql<{ state: string }>`select state from replays`.execute(admin);
      return rows[0]?.state === 'done';
    },
    { what: 'the worker to end the replay' },
  );
  await until(async () => (await stateOf(poison.id)) === 'dead', { what: 'the poison to be dead again' });
  expect((await post(`/dead/${poison.id}/discard`, { reason: 'theirs' })).status).toBe(303);
  for (const [script, ...args] of [
    ['outbox', 'retry', '--all', '--reason', 'x'],
    ['conflicts', 'list'],
    ['payment', 'ch_1'],
    ['dead', 'list'],
  ] as const)
    expect((await asConsole(`apps/worker/src/commands/${script}.ts`, ...args)).stderr).not.toContain(
      'permission denied',
    );
  expect(worker.output()).not.toMatch(/permission denied|must be owner/);
});

const refused = [
  // A worker makes and changes no table …
  ['worker', 'create table mine (id int)'],
  ['worker', 'create temporary table ledger (id int)'],
  ['worker', 'create schema mine'],
  ['worker', 'alter table ledger add column mine int'],
  ['worker', 'drop table events'],
  ['worker', 'truncate payments'],
  ['worker', 'alter table events disable trigger all'],
  ['worker', 'drop trigger events_append_only on events'],
  ['worker', 'create or replace function refuse_change() returns trigger language sql as $$ select null $$'],
  // … and no fact, on any way into a table.
  ['worker', "update events set body = ''"],
  ['worker', 'delete from events'],
  ['worker', "update payment_facts set fact = '{}'"],
  ['worker', 'delete from payment_facts'],
  ['worker', "update ledger set provider_event_id = 'x'"],
  ['worker', "update ledger set body_sha256 = ''"],
  ['worker', 'delete from ledger'],
  ['worker', 'delete from transmissions'],
  ['worker', "update confirmations set body = ''"],
  ['worker', 'delete from collisions'],
  ['worker', 'delete from attempts'],
  ['worker', 'delete from deliveries'],
  ['worker', 'select * from api_keys'],
  ['worker', 'select * from operator_actions'],
  ['worker', 'delete from operator_actions'],
  // A month is the only thing that its functions drop, and only once it is past every retention.
  ['worker', "select create_month('payments', '2026-01-01')"],
  ['worker', "select set_month_aside('ledger', '2025-01-01')"],
  ['worker', "select replace_month('events', date_trunc('month', now())::date)"],
  // The console reads, and does what its pages offer.
  ['console', 'create table mine (id int)'],
  ['console', 'create temporary table ledger (id int)'],
  ['console', "update payments set status = 'captured'"],
  ['console', 'insert into events (id) values (1)'],
  ['console', 'insert into payment_facts (event_id) values (1)'],
  ['console', 'update ledger set attempts = 0'],
  ['console', 'delete from outbox'],
  ['console', 'delete from operator_actions'],
  ['console', "update operator_actions set operator = 'nobody'"],
  ['console', "update api_keys set scopes = '{payloads:read}'"],
  ['console', "select create_month('events', '2031-01-01')"],
  // What reads for the API only reads, and no keys.
  ['read', "update ledger set state = 'dead'"],
  ['read', 'insert into operator_actions (operator) values (1)'],
  ['read', 'select * from api_keys'],
  ['read', 'create table mine (id int)'],
  ['read', 'create temporary table ledger (id int)'],
] as const;

test.each(refused)('PostgreSQL refuses the %s: %s', async (role, statement) => {
  const error = await sql
    .raw(statement)
    .execute(open(urls[role]))
    .then(
      () => null,
      (thrown: unknown) => thrown,
    );
  expect(error).toMatchObject({ code: '42501' });
});

test('rights that a role had beside its own are taken away by the next migration', async () => {
  await sql`grant delete on payment_facts to penstock_worker`.execute(open(urls.owner));
  expect(await migrate(urls.owner)).toMatchObject({ code: 0 });
  await expect(sql`delete from payment_facts`.execute(open(urls.worker))).rejects.toMatchObject({ code: '42501' });
});

function migrate(url: string, ...args: readonly string[]) {
  return runScript('apps/worker/src/commands/migrate.ts', args, { DATABASE_URL: url });
}

async function stateOf(eventId: string): Promise<string | undefined> {
  const row = await admin
    .selectFrom('ledger')
    .select('state')
    .where('provider_event_id', '=', eventId)
    .executeTakeFirst();
  return row?.state;
}

async function months(): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_class where relispartition and relkind = 'r'`.execute(admin);
  return rows.map(({ name }) => name);
}

/** A finished event of a month that is long past its retention. */
async function storeOldEvent(db: LedgerDatabase): Promise<void> {
  const at = '2025-01-15T12:00:00Z';
  for (const table of ['events', 'deliveries', 'confirmations', 'attempts'])
    await sql`select create_month(${table}, '2025-01-01')`.execute(db);
  await sql`
    insert into ledger (account, provider_event_id, endpoint, provider, job_id, body_sha256, state, received_at, stored_at, finished_at, request_id)
    values ('acme', 'evt_old', 'stripe', 'stripe', 'stripe.evt_old', sha256('{}'), 'processed', ${at}, ${at}, ${at}, 'r')`.execute(
    db,
  );
  await sql`
    insert into events (id, account, endpoint, provider, provider_event_id, type, shape, received_at, recorded_at, tier, key_id,
                        request_id, origin, body_sha256, body)
    select id, account, endpoint, provider, provider_event_id, 't', 'event', received_at, stored_at, 'full', 'k', 'r', 'webhook',
           body_sha256, '{}' from ledger`.execute(db);
}
