import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { LedgerDatabase } from '@penstock/db/database';
import { createEmptyDatabase } from '@penstock/db/testing/test-database';
import { testPostgresUrl } from '@penstock/local/test-services';
import { runScript } from './harness/commands.ts';
import { aStripeEvent, createTestSystem, postStripe } from './harness/system.ts';
import { startProcess } from './harness/process.ts';
import { until } from './harness/until.ts';

const expanding = '9997_add_to_ledger';
const contracting = '9999_contract_after_9998_drop_from_ledger';

const check = (url: string) => runScript('apps/worker/src/commands/migrate.ts', ['check'], { DATABASE_URL: url });

test('a schema that grows under load fails no request; one that shrinks stops the versions that need what went', async () => {
  await using system = await createTestSystem();
  const ingest = await system.startIngest();
  await system.startWorker();
  const url = system.environment['DATABASE_URL'] ?? '';
  const events = Array.from({ length: 120 }, () => aStripeEvent({ type: 'customer.deleted' }));
  await sql`insert into repaired default values`.execute(system.db);

  const answers = events.map(async ({ body }) => (await postStripe(ingest, body)).status);
  await applied(system.db, expanding, `alter table ledger add column of_a_newer_version text default 'x'`);
  expect(new Set(await Promise.all(answers))).toEqual(new Set([200]));
  await until(async () => (await system.ledger())['processed'] === events.length, {
    what: 'every event to be processed',
  });
  expect(await check(url)).toMatchObject({ code: 0, stdout: expect.stringContaining(expanding) });

  await applied(system.db, contracting, 'select 1');
  expect(await check(url)).toMatchObject({ code: 1, stdout: expect.stringContaining(contracting) });
  const late = await startProcess({ name: 'worker', script: 'apps/worker/src/main.ts', env: system.environment });
  expect(await late.exited).toEqual({ code: 78, signal: null });
  expect(late.output()).toContain(`needs what ${contracting} took away`);
}, 180_000);

test('a schema without this version’s migrations is told of, and nothing is changed', async () => {
  await using empty = await createEmptyDatabase(testPostgresUrl());
  const { code, stdout } = await check(empty.url);
  expect([code, stdout]).toEqual([1, expect.stringContaining('0001_ledger_and_payments')]);
  expect((await check(empty.url)).code).toBe(1);
  const wrong = await runScript('apps/worker/src/commands/migrate.ts', ['chekc'], { DATABASE_URL: empty.url });
  expect([wrong.code, wrong.stderr]).toEqual([64, expect.stringContaining('Usage: pnpm migrate [check | roles]')]);
});

/** What a newer version's `pnpm migrate` leaves behind. */
async function applied(db: LedgerDatabase, name: string, statement: string): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await sql`set local lock_timeout = 3000`.execute(tx);
    await sql.raw(statement).execute(tx);
    await sql`insert into kysely_migration (name, timestamp) values (${name}, now()::text)`.execute(tx);
  });
}
