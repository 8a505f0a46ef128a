import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testPostgresUrl } from '@penstock/local/test-services';
import { openDatabase, type LedgerDatabase } from './database.ts';
import { countMonthsAhead, createMonthsAhead, isMonthMissing, listMonths } from './months.ts';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from './testing/test-database.ts';

let database: TestDatabase;
let db: LedgerDatabase;
beforeAll(async () => {
  database = await createTestDatabase(testPostgresUrl());
  ({ db } = database);
});
afterAll(async () => database[Symbol.asyncDispose]());

test('a migrated database has this month, the one before and three ahead for every table', async () => {
  const months = await listMonths(db);
  expect(countMonthsAhead(months, new Date())).toBe(3);
  expect(months).toHaveLength(4 * 5);
});

test('months are made across the end of a year, each once, however many make them at once', async () => {
  const now = new Date('2031-11-30T23:59:59.999Z');
  await using other = openDatabase({ url: database.url, poolMax: 4, applicationName: 'test' });
  const made = await Promise.all([db, other, db, other].map((each) => createMonthsAhead(each, { now })));
  const months = ['2031_10', '2031_11', '2031_12', '2032_01', '2032_02'];
  expect(made.flat().toSorted()).toEqual(
    ['attempts', 'confirmations', 'deliveries', 'events'].flatMap((table) =>
      months.map((month) => `${table}_${month}`),
    ),
  );
  expect(countMonthsAhead(await listMonths(db), now)).toBe(3);
  expect((await listMonths(db)).find(({ name }) => name === 'events_2031_12')).toMatchObject({
    begins: new Date('2031-12-01T00:00:00Z'),
    ends: new Date('2032-01-01T00:00:00Z'),
  });
});

test('a month’s first and last moment are in it, whatever the session’s time zone', async () => {
  await using there = openDatabase({ url: database.url, poolMax: 1, applicationName: 'test' });
  await sql`set time zone 'Asia/Tokyo'`.execute(there);
  await createMonthsAhead(there, { now: new Date('2033-02-28T20:00:00Z'), ahead: 0 });
  await insertAttempt('2033-02-01T00:00:00Z');
  await insertAttempt('2033-02-28T23:59:59.999999Z');
  const { rows } = await sql`select from attempts_2033_02`.execute(db);
  expect(rows).toHaveLength(2);
  for (const outside of ['2032-12-31T23:59:59.999999Z', '2033-03-01T00:00:00Z'])
    await expect(insertAttempt(outside), outside).rejects.toSatisfy(isMonthMissing);
});

test('a month is made while a transaction writes into another', async () => {
  await db.transaction().execute(async (tx) => {
    await sql`insert into attempts (ledger_id, attempt, duration_ms, code, message, fingerprint) values (1, 1, 1, 'c', 'm', 'f')`.execute(
      tx,
    );
    await using other = openDatabase({ url: database.url, poolMax: 1, applicationName: 'test' });
    expect(await createMonthsAhead(other, { now: new Date('2034-05-05T00:00:00Z'), ahead: 0 })).toHaveLength(8);
  });
});

test('a check of a table that fails is not taken for a month that is missing', async () => {
  const refused = sql`
    insert into deliveries (ledger_id, received_at, delivery_id, kind, endpoint, key_id, request_id, body_sha256, recorded_at)
    values (1, now(), gen_random_uuid(), 'other', 'e', 'k', 'r', '', now())`.execute(db);
  await expect(refused).rejects.toSatisfy((error) => !isMonthMissing(error));
});

test('the rows of a month can be neither changed nor deleted nor truncated, by its own name either', async () => {
  await insertAttempt('2033-02-02T00:00:00Z');
  for (const statement of [
    `update attempts_2033_02 set code = 'x'`,
    `delete from attempts_2033_02`,
    `truncate attempts_2033_02`,
    `truncate attempts`,
  ])
    await expect(sql.raw(statement).execute(db), statement).rejects.toThrow('append-only');
});

test('rows of a database from before there were months are each in their month afterwards, unchanged', async () => {
  await using empty = await createEmptyDatabase(testPostgresUrl());
  await using old = openDatabase({ url: empty.url, poolMax: 1, applicationName: 'test' });
  const folder = path.join(import.meta.dirname, '../../../migrations');
  const files = readdirSync(folder).filter((file) => /^\d{4}_.*\.sql$/.test(file));
  const apply = (file: string) => sql.raw(readFileSync(path.join(folder, file), 'utf8')).execute(old);
  for (const file of files.filter((name) => name < '0006').toSorted()) await apply(file);
  await sql`
    insert into ledger (account, provider_event_id, endpoint, provider, job_id, body_sha256, received_at, stored_at, request_id)
    select 'a', 'evt_' || n, 'e', 'stripe', 'e.evt_' || n, sha256(n::text::bytea), at, at + interval '1 second', 'r'
    from generate_series(1, 3) n, lateral (select timestamptz '2025-12-31T23:59:59Z' + (n - 1) * interval '40 days' as at) as times`.execute(
    old,
  );
  await sql`
    insert into events (id, account, endpoint, provider, provider_event_id, type, shape, received_at, tier, key_id, request_id, origin, body_sha256, body)
    select id, account, endpoint, provider, provider_event_id, 't', 'event', received_at, 'full', 'k', 'r', 'webhook', body_sha256, convert_to('body ' || id, 'utf8')
    from ledger`.execute(old);
  await sql`
    insert into attempts (ledger_id, attempt, failed_at, duration_ms, code, message, fingerprint)
    select id, 1, stored_at, 1, 'c', 'm', 'f' from ledger`.execute(old);
  await sql`
    insert into confirmations (ledger_id, confirmed_at, source, disagrees, body_sha256, body)
    select id, stored_at, 's', false, body_sha256, 'answer' from ledger`.execute(old);

  await apply('0006_months.sql');
  const { rows } = await sql`
    select convert_from(events.body, 'utf8') as body, events.tableoid::regclass::text as event,
           deliveries.tableoid::regclass::text as delivery, attempts.tableoid::regclass::text as attempt,
           confirmations.tableoid::regclass::text as confirmation
    from ledger join events on events.id = ledger.id and recorded_at = stored_at
    join deliveries on deliveries.ledger_id = ledger.id join attempts on attempts.ledger_id = ledger.id
    join confirmations on confirmations.ledger_id = ledger.id
    order by ledger.id`.execute(old);
  const inMonth = (month: string) => ({
    event: `events_${month}`,
    delivery: `deliveries_${month}`,
    attempt: `attempts_${month}`,
    confirmation: `confirmations_${month}`,
  });
  expect(rows).toEqual([
    { body: 'body 1', ...inMonth('2026_01') },
    { body: 'body 2', ...inMonth('2026_02') },
    { body: 'body 3', ...inMonth('2026_03') },
  ]);
  const { rows: next } = await sql<{ id: number }>`
    insert into attempts (ledger_id, attempt, failed_at, duration_ms, code, message, fingerprint)
    values (1, 2, '2026-01-02T00:00:00Z', 1, 'c', 'm', 'f') returning id`.execute(old);
  expect(next).toEqual([{ id: 4 }]);
});

async function insertAttempt(at: string): Promise<void> {
  await sql`
    insert into attempts (ledger_id, attempt, failed_at, duration_ms, code, message, fingerprint)
    values (1, 1, ${at}, 1, 'c', 'm', 'f')`.execute(db);
}
