import path from 'node:path';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import type { LedgerDatabase } from '@penstock/db/database';
import { testRunDir } from '@penstock/local/test-services';
import { findPgbouncer, startPgbouncer } from './harness/pgbouncer.ts';
import { startProcess } from './harness/process.ts';
import { aStripeEvent, createTestSystem, postStripe, type TestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

const isAway = findPgbouncer() === null && process.env['CI'] !== 'true';
if (isAway) process.stderr.write('There is no pgbouncer on PATH: its tests are not run. apt-get install pgbouncer\n');

describe.skipIf(isAway)('through PgBouncer in transaction mode', { timeout: 180_000 }, () => {
  test('events are applied exactly once, by more connections than the database has', async () => {
    await using system = await createTestSystem();
    await limitRole(system.db);
    await using bouncer = await bouncerOf(system);
    const ingest = await system.startIngest();
    await system.startWorker({
      DATABASE_URL: bouncer.url,
      CONCURRENCY: '32',
      DATABASE_POOL_MAX: '16',
      SWEEP_MS: '200',
    });
    const events = Array.from({ length: 60 }, () => aStripeEvent({ type: 'customer.deleted' }));
    await sql`insert into repaired default values`.execute(system.db);
    await Promise.all([...events, ...events].map(({ body }) => postStripe(ingest, body)));
    await until(async () => (await system.ledger())['processed'] === events.length, {
      what: 'every event to be processed',
    });
    expect(await system.effects()).toEqual(new Map(events.map(({ id }) => [id, 1])));
    const { rows } = await sql<{ connections: number }>`
      select count(*)::int as connections from pg_stat_activity
      where datname = current_database() and application_name = 'penstock-worker'`.execute(system.db);
    expect(rows[0]?.connections).toBeLessThanOrEqual(4);
  });

  test('a worker refuses a role without limits of time, and says how to set them', async () => {
    await using system = await createTestSystem();
    await using bouncer = await bouncerOf(system);
    const { code, output } = await start(system, bouncer.url);
    expect(code, output).toBe(78);
    expect(output).toContain('set statement_timeout = 60000');
  });

  test('a worker that was not told of the pooler says what to put into its URL', async () => {
    await using system = await createTestSystem();
    await limitRole(system.db);
    await using bouncer = await bouncerOf(system);
    const { code, output } = await start(system, bouncer.url.replace('?pgbouncer=true', ''));
    expect(code, output).toBe(78);
    expect(output).toContain('?pgbouncer=true');
  });
});

async function bouncerOf(system: TestSystem) {
  return startPgbouncer({
    dir: path.join(testRunDir(), 'pgbouncer'),
    databaseUrl: system.environment['DATABASE_URL'] ?? '',
  });
}

async function start(system: TestSystem, url: string) {
  const env = { ...system.environment, DATABASE_URL: url };
  const started = await startProcess({ name: 'worker', script: 'apps/worker/src/main.ts', env });
  const { code } = await started.exited;
  return { code, output: started.output() };
}

/** As docs/OPERATIONS-POSTGRES.md has it. */
async function limitRole(db: LedgerDatabase): Promise<void> {
  const { rows } = await sql<{ name: string }>`select current_database() as name`.execute(db);
  for (const [setting, ms] of Object.entries({
    statement_timeout: 60_000,
    lock_timeout: 10_000,
    idle_in_transaction_session_timeout: 120_000,
  }))
    await sql`alter role current_user in database ${sql.id(rows[0]?.name ?? '')} set ${sql.raw(setting)} = ${sql.lit(ms)}`.execute(
      db,
    );
}
