import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { foldedEvents } from '@penstock/db/folded-events';
import { createTestDatabase } from '@penstock/db/testing/test-database';
import { testPostgresUrl } from '@penstock/local/test-services';
import { fillLedger } from './harness/fill-ledger.ts';

test('a batch of events is read without reading any others, whether or not the planner knows the tables', async () => {
  await using database = await createTestDatabase(testPostgresUrl());
  const { db } = database;
  await fillLedger(db, { rows: 20_000 });
  // Every fiftieth is dead: it was not folded.
  const ids = Array.from({ length: 500 }, (_, index) => 10_001 + index).filter((id) => id % 50 !== 0);
  for (const prepare of [sql`select`, sql`analyze`]) {
    await prepare.execute(db);
    const before = await rowsRead();
    const batch = await foldedEvents(db, { afterId: 10_000, uptoId: 10_500 });
    expect(batch.map(({ id }) => id)).toEqual(ids);
    expect((await rowsRead()) - before).toBeLessThan(1_500);
  }

  /** Of the bodies, by whatever plan. */
  async function rowsRead(): Promise<number> {
    await sql`select pg_stat_force_next_flush()`.execute(db);
    await sql`select pg_stat_clear_snapshot()`.execute(db);
    const { rows } = await sql<{ read: number }>`
      select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int as read
      from pg_stat_user_tables where relname ~ '^events_\\d{4}_\\d{2}$'`.execute(db);
    return rows[0]?.read ?? 0;
  }
});
