import { expect, test } from 'vitest';
import { createEmptyDatabase } from '@penstock/db/testing/test-database';
import { testPostgresUrl } from '@penstock/local/test-services';
import { runScript } from './harness/commands.ts';

const check = (url: string) => runScript('apps/worker/src/commands/migrate.ts', ['check'], { DATABASE_URL: url });

test('a schema without this version’s migrations is told of, and nothing is changed', async () => {
  await using empty = await createEmptyDatabase(testPostgresUrl());
  const { code, stdout } = await check(empty.url);
  expect([code, stdout]).toEqual([1, expect.stringContaining('0001_ledger_and_payments')]);
  expect((await check(empty.url)).code).toBe(1);
  const wrong = await runScript('apps/worker/src/commands/migrate.ts', ['chekc'], { DATABASE_URL: empty.url });
  expect([wrong.code, wrong.stderr]).toEqual([64, expect.stringContaining('Usage: pnpm migrate [check | roles]')]);
});
