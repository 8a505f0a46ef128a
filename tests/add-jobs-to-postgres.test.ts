import { randomUUID } from 'node:crypto';
import { Queue, createPostgresBackend } from 'bullmq';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { createRoles, grantRoles } from '@penstock/db/roles';
import { createEmptyDatabase, createTestDatabase } from '@penstock/db/testing/test-database';
import { testPostgresUrl } from '@penstock/local/test-services';
import { addJobsToPostgres } from '@penstock/runtime/add-jobs-to-postgres';
import { migrateQueue } from '@penstock/runtime/queue-backends';
import { openQueuePool } from '@penstock/runtime/queue-pool';
import { openWebhookQueue } from '@penstock/runtime/webhook-queue';
import { aDelivery } from './harness/deliveries.ts';
import { createTestQueue } from './harness/queues.ts';

/** Two queues of one database: one filled by BullMQ's own `add`, the other by what is tested. */
async function twoQueues() {
  await using stack = new AsyncDisposableStack();
  const { location } = stack.use(await createTestQueue('postgres'));
  const pool = stack.adopt(openQueuePool({ url: location.url, max: 4, applicationName: 'penstock-test' }), (opened) =>
    opened.end(),
  );
  const [theirs, ours] = ['theirs', 'ours'].map((name) =>
    stack.adopt(new Queue(name, { connection: pool }, createPostgresBackend), (queue) => queue.close()),
  );
  if (theirs === undefined || ours === undefined) throw new Error('there are two');
  await theirs.waitUntilReady();
  const disposal = stack.move();
  /** Jobs in the order they will be taken, and events in that of the stream; times, and an id among a job's options, made alike. */
  const contentsOf = async (queue: string) => {
    const jobs = await pool.query<{ readonly job: Readonly<Record<string, unknown>> }>(
      `select to_jsonb(job) - '{queue,seq,added_at_ms}'::text[] || jsonb_build_object('opts', opts - 'jobId')
         || jsonb_build_object('timed', added_at_ms > 1500000000000) as job
       from job where queue = $1 order by priority, seq`,
      [queue],
    );
    const events = await pool.query<{ readonly event: string; readonly data: unknown }>(
      'select event, data from event where queue = $1 order by id',
      [queue],
    );
    return { jobs: jobs.rows, events: events.rows };
  };
  return { theirs, ours, pool, contentsOf, [Symbol.asyncDispose]: () => disposal.disposeAsync() };
}

const options = { priority: 10, attempts: 6, backoff: { type: 'penstock' }, removeOnComplete: { age: 60 } };

/** The third has the first one's id. */
const jobs = ['a', 'b', 'a', 'c'].map((id, position) => ({
  jobId: `stripe.evt_${id}`,
  name: `charge.succeeded ${position}`,
  data: { v: 1, text: `é "quoted" ${id}` },
}));

test('jobs that are added by one statement are what BullMQ adds one by one', async () => {
  await using queues = await twoQueues();
  const { theirs, ours, pool, contentsOf } = queues;
  for (const { name, data, jobId } of jobs) await theirs.add(name, data, { ...options, jobId });
  const names = await addJobsToPostgres(pool, ours)(jobs, options);
  // The third is not added, and the first one's name says so.
  expect(names).toEqual([0, 1, 0, 3].map((position) => `charge.succeeded ${position}`));
  const stored = await contentsOf('ours');
  expect(stored.jobs).toHaveLength(3);
  expect(stored).toEqual(await contentsOf('theirs'));
});

test('many that are added at once are those that few are, in their order', async () => {
  await using queues = await twoQueues();
  const { theirs, ours, pool, contentsOf } = queues;
  const many = Array.from({ length: 60 }, (_, position) => ({
    jobId: `stripe.evt_${position}`,
    name: 'charge.succeeded',
    data: { v: 1, position },
  }));
  await addJobsToPostgres(pool, ours)(many, options);
  for (let from = 0; from < many.length; from += 10)
    await addJobsToPostgres(pool, theirs)(many.slice(from, from + 10), options);
  const stored = await contentsOf('ours');
  expect(stored.jobs.map(({ job }) => job['data'])).toEqual(many.map(({ data }) => data));
  expect(stored.jobs).toEqual((await contentsOf('theirs')).jobs);
});

test("beside a ledger that makes nobody a temporary table the queue's owner adds many", async () => {
  // Ingest, workers and console all come as the queue's owner: what the ledger's roles lack is no matter of theirs.
  await using ledger = await createTestDatabase(testPostgresUrl());
  await createRoles(ledger.db);
  expect((await grantRoles(ledger.db)).left).toEqual([]);
  const owner = `queue_${randomUUID().slice(0, 8)}`;
  await sql`create role ${sql.id(owner)} login password 'of-the-tests'`.execute(ledger.db);
  await using stack = new AsyncDisposableStack();
  stack.defer(async () => void (await sql`drop role ${sql.id(owner)}`.execute(ledger.db)));
  const { url } = stack.use(await createEmptyDatabase(testPostgresUrl()));
  const asOwner = new URL(url);
  await sql`alter database ${sql.id(asOwner.pathname.slice(1))} owner to ${sql.id(owner)}`.execute(ledger.db);
  asOwner.username = owner;
  asOwner.password = 'of-the-tests';
  const location = { backend: 'postgres', url: asOwner.href, name: 'webhooks' } as const;
  await migrateQueue(location);
  await using queue = openWebhookQueue(location);
  await queue.connected();
  await queue.add(Array.from({ length: 60 }, () => aDelivery()));
  expect(await queue.counts()).toMatchObject({ waiting: 60 });
});

test('where one job cannot be stored none is', async () => {
  await using queues = await twoQueues();
  const { ours, pool, contentsOf } = queues;
  const [first, ...rest] = jobs;
  if (first === undefined) throw new Error('there is a first');
  // PostgreSQL's jsonb has no such character.
  const refused = { jobId: 'stripe.evt_d', name: 'charge.succeeded', data: { text: '\u0000' } };
  await expect(addJobsToPostgres(pool, ours)([first, refused, ...rest], options)).rejects.toThrow(/\\u0000|Unicode/);
  expect(await contentsOf('ours')).toEqual({ jobs: [], events: [] });
});
