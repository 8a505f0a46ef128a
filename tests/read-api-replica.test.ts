import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { expect, inject, test } from 'vitest';
import { makeApiKey } from '@penstock/console/api/api-key';
import { runConsole } from '@penstock/console/testing/run-console';
import { insertApiKey, revokeApiKey } from '@penstock/db/api-keys';
import type { LedgerDatabase } from '@penstock/db/database';
import { createTestDatabase } from '@penstock/db/testing/test-database';

const queue = { REDIS_URL: inject('redisUrl'), QUEUE_NAME: 'read-api-replica' };

test('the API and payments are read from the replica, keys from the primary alone', async () => {
  await using primary = await createTestDatabase(inject('postgresUrl'));
  await using replica = await createTestDatabase(inject('postgresUrl'));
  await payment(primary.db, 'of_the_primary');
  await payment(replica.db, 'of_the_replica');
  // As a replica has it: whatever writes there fails.
  await sql`alter database ${sql.id(new URL(replica.url).pathname.slice(1))} set default_transaction_read_only = on`.execute(
    replica.db,
  );
  await using running = await runConsole({
    environment: { ...queue, DATABASE_URL: primary.url, DATABASE_REPLICA_URL: replica.url },
  });
  const { id, token } = await key(primary.db);

  const read = async (path: string) =>
    (await running.ask(path, { headers: { authorization: `Bearer ${token}` } })).text();
  expect(await read('/api/payments')).toContain('of_the_replica');
  expect(await read('/api/payments')).not.toContain('of_the_primary');
  const cookie = await running.logIn();
  expect((await running.ask('/payments/of_the_replica', { cookie })).status).toBe(200);
  expect((await running.ask('/payments/of_the_primary', { cookie })).status).toBe(404);
  const [used] = await primary.db.selectFrom('api_keys').select('last_used_at').execute();
  expect(used?.last_used_at).toBeInstanceOf(Date);

  await revokeApiKey(primary.db, { id, at: new Date() });
  expect(await read('/api/payments')).toContain('key_revoked');
});

test('where the replica is away, reads are refused rather than sent to the primary, and readiness says so', async () => {
  await using primary = await createTestDatabase(inject('postgresUrl'));
  await using running = await runConsole({
    environment: { ...queue, DATABASE_URL: primary.url, DATABASE_REPLICA_URL: 'postgres://nobody@127.0.0.1:9/nothing' },
  });
  const { token } = await key(primary.db);
  const answer = await running.ask('/api/payments', { headers: { authorization: `Bearer ${token}` } });
  expect([answer.status, await answer.json()]).toEqual([
    503,
    expect.objectContaining({ code: 'database_unavailable' }),
  ]);
  const ready = await fetch(`${running.healthOrigin}/ready`);
  expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining('replica')]);
  expect((await running.ask('/keys', { cookie: await running.logIn() })).status).toBe(200);
});

test('a read that takes longer than it may is cut off and says what to narrow', async () => {
  await using primary = await createTestDatabase(inject('postgresUrl'));
  await using running = await runConsole({ environment: { ...queue, DATABASE_URL: primary.url } });
  const { token } = await key(primary.db);
  const read = () => running.ask('/api/payouts', { headers: { authorization: `Bearer ${token}` } });
  expect((await read()).status).toBe(200);
  const held = Promise.withResolvers<undefined>();
  const locked = Promise.withResolvers<undefined>();
  const holding = primary.db.transaction().execute(async (tx) => {
    await sql`lock table payouts in access exclusive mode`.execute(tx);
    locked.resolve(undefined);
    await held.promise;
  });
  await locked.promise;
  const answer = await read();
  held.resolve(undefined);
  await holding;
  expect([answer.status, await answer.json()]).toEqual([503, expect.objectContaining({ code: 'read_too_slow' })]);
});

async function key(db: LedgerDatabase): Promise<{ readonly id: string; readonly token: string }> {
  const made = makeApiKey(randomBytes);
  await insertApiKey(db, { ...made, name: 'test', scopes: ['payments:read'], createdAt: new Date(), expiresAt: null });
  return made;
}

async function payment(db: LedgerDatabase, id: string): Promise<void> {
  await db
    .insertInto('payments')
    .values({
      account: 'eu',
      provider: 'stripe',
      id,
      status: 'captured',
      amount: 1,
      currency: 'EUR',
      amount_captured: 1,
      amount_refunded: 0,
      refund_state: 'none',
      dispute_state: 'none',
      failure_code: null,
      conflict: null,
      needs_fetch: false,
      version: 1,
      occurred_at: new Date(),
    })
    .execute();
}
