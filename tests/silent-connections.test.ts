import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { isDatabaseOutage, openDatabase } from '@penstock/db/database';
import { testPostgresUrl, testRedisUrl } from '@penstock/local/test-services';
import { consumeWebhooks } from '@penstock/runtime/webhook-consumer';
import { openWebhookQueue } from '@penstock/runtime/webhook-queue';
import { within } from '@penstock/runtime/within';
import { openLink } from './chaos/proxy.ts';
import { aDelivery } from './harness/deliveries.ts';
import { createTestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

/** The other end is gone and nothing says so: no end, no reset, what is written disappears. */

test('a statement on a connection that has gone silent fails as an outage, and the next has a new connection', async () => {
  await using link = await openLink({ port: portOf(testPostgresUrl()) });
  await using db = openDatabase({
    url: through(testPostgresUrl(), link.port),
    poolMax: 1,
    applicationName: 'test-silent',
    silenceMs: 500,
  });
  await sql`select 1`.execute(db);
  link.halfOpen();
  const failure = await sql`select 2`.execute(db).catch((error: unknown) => error);
  expect(isDatabaseOutage(failure)).toBe(true);
  expect((await sql<{ three: number }>`select 3 as three`.execute(db)).rows).toEqual([{ three: 3 }]);
});

test('a statement that the server knows nothing of is given up on in seconds, long before its time is up', async () => {
  await using link = await openLink({ port: portOf(testPostgresUrl()) });
  await using db = openDatabase({
    url: through(testPostgresUrl(), link.port),
    poolMax: 1,
    applicationName: 'test-asks',
  });
  await sql`select 1`.execute(db);
  link.halfOpen();
  const failure = await within(20_000, sql`select 2`.execute(db)).catch((error: unknown) => error);
  expect(isDatabaseOutage(failure)).toBe(true);
});

test('a connection that was asked nothing is left alone, however long it is silent', async () => {
  await using link = await openLink({ port: portOf(testPostgresUrl()) });
  await using db = openDatabase({
    url: through(testPostgresUrl(), link.port),
    poolMax: 1,
    applicationName: 'test-idle',
    silenceMs: 100,
  });
  const process = () =>
    sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db).then(({ rows }) => rows[0]?.pid);
  const before = await process();
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(await process()).toBe(before);
});

test('an ingest whose connection to Redis has gone silent adds over a new one within seconds', async () => {
  await using link = await openLink({ port: portOf(testRedisUrl()) });
  await using queue = openWebhookQueue({
    backend: 'redis',
    url: through(testRedisUrl(), link.port),
    name: 'test-silent',
  });
  await queue.connected();
  await queue.add([aDelivery()]);
  link.halfOpen();
  expect(await queue.add([aDelivery()])).toEqual(['queued']);
});

test('a worker that is to stop while its connection to Redis is silent ends its job over a new one', async () => {
  await using link = await openLink({ port: portOf(testRedisUrl()) });
  const name = `test-silent-stop-${randomUUID().slice(0, 8)}`;
  await using queue = openWebhookQueue({ backend: 'redis', url: testRedisUrl(), name });
  await queue.connected();
  const begun = Promise.withResolvers<void>();
  const mayEnd = Promise.withResolvers<void>();
  const consumer = consumeWebhooks({
    location: { backend: 'redis', url: through(testRedisUrl(), link.port), name },
    concurrency: 2,
    lockMs: 30_000,
    attempt: async () => {
      begun.resolve();
      await mayEnd.promise;
      return { kind: 'done', outcome: 'processed' };
    },
    onAbandoned: async () => undefined,
    onError: () => undefined,
  });
  await consumer.ready();
  await queue.add([aDelivery()]);
  await begun.promise;
  link.halfOpen();
  mayEnd.resolve();
  // Less than a process may take for its end (SHUTDOWN_MS), and than a silent connection is otherwise waited for.
  await within(7_000, Promise.resolve(consumer[Symbol.asyncDispose]()));
  expect(await queue.counts()).toMatchObject({ active: 0, completed: 1 });
});

test('a worker that is to stop while its connections to PostgreSQL are silent ends with 0, and gives its job back', async () => {
  await using system = await createTestSystem('redis', {
    PENSTOCK_CONFIG: 'tests/harness/slow-handler.test.config.ts',
  });
  const { DATABASE_URL = '' } = system.environment;
  await using link = await openLink({ port: portOf(DATABASE_URL) });
  const worker = await system.startWorker({ DATABASE_URL: through(DATABASE_URL, link.port) });
  const delivery = aDelivery();
  await system.queue.add([delivery]);
  await worker.waitForLine(/^in hand: /);
  link.halfOpen();
  worker.kill('SIGTERM');
  expect(await worker.exited).toEqual({ code: 0, signal: null });
  expect(await system.queue.counts()).toMatchObject({ active: 0, failed: 0 });

  await sql`insert into repaired default values`.execute(system.db);
  await using _next = await system.startWorker();
  await until(async () => (await system.effects()).size === 1, { what: 'the event to be processed' });
});

function portOf(url: string): number {
  return Number(new URL(url).port);
}

function through(url: string, port: number): string {
  const changed = new URL(url);
  changed.port = String(port);
  return changed.href;
}
