import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { openDatabase } from '@penstock/db/database';
import { migrate } from '@penstock/db/migrate';
import { startEmbeddedPostgres } from '@penstock/local/embedded-postgres';
import { testRunDir } from '@penstock/local/test-services';
import { aStripeEvent, createTestSystem, postStripe } from './harness/system.ts';
import { until } from './harness/until.ts';

test(
  'while the ledger’s PostgreSQL is away events are still accepted, wait without losing an attempt, and are applied once it is back',
  { timeout: 240_000 },
  async () => {
    const dataDir = path.join(testRunDir(), `outage-${randomUUID()}`);
    const postgres = await startEmbeddedPostgres({ dataDir });
    await using system = await createTestSystem('redis', { DATABASE_URL: postgres.url });
    {
      await using db = openDatabase({ url: postgres.url, poolMax: 2, applicationName: 'test' });
      await migrate(db);
      await sql`create table effects (event_id text not null)`.execute(db);
    }
    const ingest = await system.startIngest();
    const worker = await system.startWorker();
    const before = aStripeEvent();
    await postStripe(ingest, before.body);
    await until(async () => (await system.queue.counts()).completed === 1, { what: 'the first event to be processed' });

    await postgres.kill();
    const during = Array.from({ length: 20 }, () => aStripeEvent());
    const answers = await Promise.all(during.map(({ body }) => postStripe(ingest, body)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    await worker.waitForLine(/the database is away/);
    expect((await fetch(`${worker.healthUrl}/ready`)).status).toBe(503);

    await using back = await startEmbeddedPostgres({ dataDir, port: postgres.port });
    await until(async () => (await system.queue.counts()).completed === 21, {
      what: 'every event to be processed',
    });
    await using db = openDatabase({ url: back.url, poolMax: 2, applicationName: 'test' });
    const { rows } = await sql<{ event_id: string }>`select event_id from effects order by event_id`.execute(db);
    expect(rows.map((row) => row.event_id)).toEqual([before, ...during].map(({ id }) => id).toSorted());
    const attempts = await db.selectFrom('ledger').select(['state', 'attempts']).distinct().execute();
    expect(attempts).toEqual([{ state: 'processed', attempts: 1 }]);
    await worker.stop();
  },
);
