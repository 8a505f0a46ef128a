import { sql } from 'kysely';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { openLedgerStore, type SavepointScope } from './ledger-store.ts';
import { createTestDatabase, type TestDatabase } from './testing/test-database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase(inject('postgresUrl'));
});
afterAll(() => database[Symbol.asyncDispose]());

const limits = { timeoutMs: 1_000, refuse: () => undefined };

test('that the connection is lost under a savepoint is an outage, whatever the work says of it', async () => {
  const store = openLedgerStore(database.db);
  const failure = await store
    .transaction((tx) =>
      tx.underSavepoint(limits, async ({ tx: handlerTx }) => {
        await sql`select pg_terminate_backend(pg_backend_pid())`.execute(handlerTx).catch(() => undefined);
        throw new Error('what was asked has no answer');
      }),
    )
    .catch((error: unknown) => error);
  expect(store.isOutage(failure)).toBe(true);
});

test('work may be idle amid its transaction for as long as it may take, and all others as before', async () => {
  const store = openLedgerStore(database.db);
  const seen: Record<string, string | undefined>[] = [];
  const look = async ({ tx }: SavepointScope): Promise<void> => {
    const { rows } = await sql<{ statement: string; idle: string }>`select
      current_setting('statement_timeout') as statement,
      current_setting('idle_in_transaction_session_timeout') as idle`.execute(tx);
    seen.push({ ...rows[0] });
  };
  await store.transaction(async (tx) => {
    await tx.underSavepoint({ ...limits, timeoutMs: 1_000 }, look);
    await tx.underSavepoint({ ...limits, timeoutMs: 300_000 }, look);
    await tx.underSavepoint({ ...limits, timeoutMs: 300_000 }, async (scope) => {
      await look(scope);
      throw new Error('no');
    });
  });
  await store.transaction((tx) => tx.underSavepoint(limits, look).then(() => undefined));
  expect(seen).toEqual([
    { statement: '1s', idle: '2min' },
    { statement: '5min', idle: '7min' },
    { statement: '5min', idle: '7min' },
    { statement: '1s', idle: '2min' },
  ]);
});
