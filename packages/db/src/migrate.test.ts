import { readdirSync } from 'node:fs';
import path from 'node:path';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { testPostgresUrl } from '@penstock/local/test-services';
import { openDatabase } from './database.ts';
import { assertMigrated, migrate } from './migrate.ts';
import { describeSchema } from './testing/describe-schema.ts';
import { createEmptyDatabase, createTestDatabase } from './testing/test-database.ts';

const names = readdirSync(path.join(import.meta.dirname, '../../../migrations'))
  .filter((file) => /^\d.*\.sql$/.test(file))
  .map((file) => path.basename(file, '.sql'))
  .toSorted();

test('ten processes that migrate at once apply every migration once', async () => {
  await using empty = await createEmptyDatabase(testPostgresUrl());
  const applied = await Promise.all(
    Array.from({ length: 10 }, async () => {
      await using db = openDatabase({ url: empty.url, poolMax: 2, applicationName: 'test' });
      return migrate(db);
    }),
  );
  expect(applied.flat()).toEqual(names);
});

test('a database without this version’s migrations is refused, naming what is missing', async () => {
  await using empty = await createEmptyDatabase(testPostgresUrl());
  await using db = openDatabase({ url: empty.url, poolMax: 1, applicationName: 'test' });
  await expect(assertMigrated(db)).rejects.toThrow(`${names.join(', ')} not applied; run "pnpm migrate"`);
  await migrate(db);
  await expect(assertMigrated(db)).resolves.toBeUndefined();
});

test('a migration that does not get its lock lets others pass, and is tried again', async () => {
  await using empty = await createEmptyDatabase(testPostgresUrl());
  await using db = openDatabase({ url: empty.url, poolMax: 2, applicationName: 'test' });
  await using other = openDatabase({ url: empty.url, poolMax: 1, applicationName: 'test' });
  const waits: number[] = [];
  const passed = Promise.withResolvers<void>();
  const taken = Promise.withResolvers<void>();
  const holder = other.transaction().execute(async (tx) => {
    await sql`create table ledger (in_the_way integer)`.execute(tx);
    taken.resolve();
    await passed.promise;
    throw new Error('rolled back');
  });
  await taken.promise;
  const migrated = migrate(db, {
    lockMs: 50,
    onWait: (next) => {
      waits.push(next);
      passed.resolve();
    },
  });
  await expect(holder).rejects.toThrow('rolled back');
  await expect(migrated).resolves.toEqual(names);
  expect(waits).toContain(2);
});

test('the migrations make exactly the schema of migrations/schema.golden.sql', async () => {
  await using database = await createTestDatabase(testPostgresUrl());
  await expect(await describeSchema(database.db)).toMatchFileSnapshot(
    path.join(import.meta.dirname, '../../../migrations/schema.golden.sql'),
  );
});

test('a stored fact cannot be changed, deleted or truncated, not even by its owner', async () => {
  await using database = await createTestDatabase(testPostgresUrl());
  const { db } = database;
  await sql`
    insert into ledger (account, provider_event_id, endpoint, provider, job_id, body_sha256, received_at, request_id)
    values ('a', 'evt_1', 'e', 'stripe', 'e.evt_1', ${Buffer.alloc(32)}, now(), 'r')`.execute(db);
  await sql`
    insert into events (id, account, endpoint, provider, provider_event_id, type, shape, received_at, tier, key_id, request_id, origin, body_sha256, body)
    select id, 'a', 'e', 'stripe', 'evt_1', 't', 'event', now(), 'full', 'k', 'r', 'webhook', body_sha256, 'x' from ledger`.execute(
    db,
  );
  for (const statement of [
    `update events set type = 'other'`,
    `delete from events`,
    `truncate events cascade`,
    `delete from ledger`,
    `truncate ledger cascade`,
    `update ledger set provider_event_id = 'evt_2'`,
    `update ledger set body_sha256 = '\\x${'11'.repeat(32)}'`,
  ]) {
    await expect(sql.raw(statement).execute(db), statement).rejects.toThrow(/append-only|identity of ledger row/);
  }
});
