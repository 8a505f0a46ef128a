import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { Pool } from 'pg';
import { encodeBody, sha256Hex, type Delivery } from '@penstock/core/delivery';
import type { QueueLocation } from '@penstock/runtime/queue-location';
import { openWebhookQueue } from '@penstock/runtime/webhook-queue';
import { startChild, type Child } from './child.ts';
import { processorTime, type ProcessorTime } from './processor-time.ts';
import type { Cost, Measurement, Round } from './report.ts';
import type { BenchServices } from './services.ts';
import { stripeEvents, type BenchEvent } from './stripe-requests.ts';
import { smallTransactions } from './workers/small-transactions.ts';

export const workerVariants = [
  'small-transactions',
  'bullmq-alone',
  'plain-worker',
  'penstock-worker',
  'penstock-on-postgres',
] as const;
export type WorkerVariant = (typeof workerVariants)[number];

/** The share of events that is not counted: code is compiled and connections are opened while they are processed. */
const WARM_UP_SHARE = 0.2;

/** How often it is looked. At the queue: counting rows would take the database as much time as some hundred events. */
const LOOK_MS = 20;

/** Where the queue is rows, they have to be counted, and seldom are. */
const LOOK_AT_ROWS_MS = 500;

/** Events in one command to the queue. */
const FILL_BATCH = 500;

/** How fast a full queue is worked off, from verified event to committed effect. */
export async function benchWorker(
  variant: WorkerVariant,
  {
    services,
    round,
    onDone,
  }: { readonly services: BenchServices; readonly round: Round; readonly onDone: (measured: Measurement) => void },
): Promise<void> {
  const databaseUrl = await services.createDatabase();
  if (variant === 'small-transactions') {
    const perSecond = await smallTransactions({ databaseUrl, connections: 16, milliseconds: round.milliseconds });
    onDone({ name: variant, perSecond, lost: 0, failed: 0, latency: null });
    return;
  }
  await services.redis.flushall();
  const events = stripeEvents(round.events);
  const pool = new Pool({ connectionString: databaseUrl, max: 1 });
  try {
    await pool.query("create table bench_plain (id text primary key, body jsonb, state text default 'received')");
    const location = queueOf(variant, { services, databaseUrl });
    await fill(variant, events, { services, location });
    await using worker = startWorker(variant, { services, databaseUrl, profile: round.profile });
    await worker.line((document) => (isReady(document) ? true : undefined));
    const processes = { ...services.processes, worker: worker.pid };
    const { perSecond, cost } = await rateOf(events.length, {
      ...(variant === 'penstock-on-postgres'
        ? { left: () => jobsLeftInPostgres(pool), everyMs: LOOK_AT_ROWS_MS }
        : { left: () => jobsLeft(services), everyMs: LOOK_MS }),
      processes,
      pool,
    });
    const { done, twice } =
      variant === 'bullmq-alone'
        ? { done: events.length - (await services.redis.zcard('bull:webhooks:failed')), twice: 0 }
        : await effects(variant, pool);
    onDone({ name: variant, perSecond, lost: events.length - done, failed: twice, latency: null, cost });
  } finally {
    await pool.end();
  }
}

/** The queue in the ledger's own PostgreSQL, as one machine has it, or in Redis. */
function queueOf(
  variant: WorkerVariant,
  { services, databaseUrl }: { readonly services: BenchServices; readonly databaseUrl: string },
): QueueLocation {
  return variant === 'penstock-on-postgres'
    ? { backend: 'postgres', url: databaseUrl, name: 'webhooks' }
    : { backend: 'redis', url: services.redisUrl, name: 'webhooks' };
}

async function fill(
  variant: WorkerVariant,
  events: readonly BenchEvent[],
  { services, location }: { readonly services: BenchServices; readonly location: QueueLocation },
): Promise<void> {
  if (variant === 'plain-worker' || variant === 'bullmq-alone') {
    const plain = new Queue('webhooks', { connection: services.redis });
    for (let at = 0; at < events.length; at += FILL_BATCH)
      await plain.addBulk(
        events.slice(at, at + FILL_BATCH).map(({ id, body }) => ({
          name: 'event',
          data: { body: body.toString() },
          opts: { jobId: `stripe.${id}` },
        })),
      );
    return;
  }
  await fillWithDeliveries(events, location);
}

/** Queues events as ingest would have. */
export async function fillWithDeliveries(events: readonly BenchEvent[], location: QueueLocation): Promise<void> {
  await using queue = openWebhookQueue(location);
  await queue.connected();
  for (let at = 0; at < events.length; at += FILL_BATCH)
    await queue.add(events.slice(at, at + FILL_BATCH).map(deliveryOf));
}

/** As ingest would have made it. */
function deliveryOf({ id, type, body }: BenchEvent): Delivery {
  return {
    v: 1,
    deliveryId: randomUUID(),
    endpoint: 'stripe',
    provider: 'stripe',
    account: 'stripe',
    eventId: id,
    type,
    shape: 'event',
    occurredAt: '2026-09-21T14:13:20.000Z',
    receivedAt: new Date().toISOString(),
    livemode: false,
    apiVersion: '2026-01-28',
    providerAccount: null,
    tier: 'full',
    keyId: 'key-0a1b2c',
    transmissionId: null,
    requestId: randomUUID(),
    contentType: 'application/json; charset=utf-8',
    origin: 'webhook',
    bodySha256: sha256Hex(body),
    body: encodeBody(body),
  };
}

function startWorker(
  variant: Exclude<WorkerVariant, 'small-transactions'>,
  given: { readonly services: BenchServices; readonly databaseUrl: string; readonly profile: string | undefined },
): Child {
  const { services, databaseUrl, profile } = given;
  if (variant === 'bullmq-alone')
    return startChild({ script: 'bench/src/workers/alone.ts', args: [services.redisUrl, '256'], profile });
  if (variant === 'plain-worker')
    return startChild({
      script: 'bench/src/workers/plain.ts',
      args: [services.redisUrl, databaseUrl, '64'],
      profile,
    });
  return startChild({
    script: 'apps/worker/src/main.ts',
    env: {
      ...(variant === 'penstock-on-postgres' ? { QUEUE_DATABASE_URL: databaseUrl } : { REDIS_URL: services.redisUrl }),
      DATABASE_URL: databaseUrl,
      PENSTOCK_CONFIG: 'bench/src/bench.config.ts',
      HEALTH_PORT: '0',
      FORWARD_CONCURRENCY: '0',
      LOG_LEVEL: 'info',
    },
    profile,
  });
}

function isReady(document: unknown): boolean {
  return typeof document === 'object' && document !== null && 'msg' in document && document.msg === 'taking webhooks';
}

/** Events a second after the warm-up, seen from outside, and what each took. */
export async function rateOf(
  count: number,
  of: {
    readonly left: () => Promise<number>;
    readonly everyMs: number;
    readonly processes: Parameters<typeof processorTime>[0];
    readonly pool: Pool;
  },
): Promise<{ readonly perSecond: number; readonly cost: Cost | null }> {
  const waitFor = async (wanted: number): Promise<Look> => {
    for (;;) {
      const at = performance.now();
      const done = count - (await of.left());
      // No more is asked than is needed: it takes its time of the same processors.
      if (done >= wanted) return { at, done, walBytes: await walBytes(of.pool), used: processorTime(of.processes) };
      await sleep(of.everyMs);
    }
  };
  const from = await waitFor(count * WARM_UP_SHARE);
  const to = await waitFor(count);
  const events = to.done - from.done;
  return { perSecond: (events / (to.at - from.at)) * 1_000, cost: costOf(events, { from, to }) };
}

/** Jobs that wait or are in hand, by the names of BullMQ's keys. */
export async function jobsLeft({ redis }: BenchServices): Promise<number> {
  const lengths = await Promise.all([
    redis.llen('bull:webhooks:wait'),
    redis.llen('bull:webhooks:active'),
    redis.zcard('bull:webhooks:prioritized'),
    redis.zcard('bull:webhooks:delayed'),
  ]);
  return lengths.reduce((sum, length) => sum + length, 0);
}

async function jobsLeftInPostgres(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ left: number }>(
    "select count(*)::int as left from bullmq.job where state in ('waiting', 'active', 'delayed')",
  );
  return rows[0]?.left ?? 0;
}

interface Look {
  readonly at: number;
  readonly done: number;
  readonly walBytes: number;
  readonly used: ProcessorTime | null;
}

function costOf(events: number, { from, to }: { readonly from: Look; readonly to: Look }): Cost | null {
  if (from.used === null || to.used === null) return null;
  return {
    worker: (to.used.worker - from.used.worker) / events,
    postgres: (to.used.postgres - from.used.postgres) / events,
    redis: (to.used.redis - from.used.redis) / events,
    walBytes: (to.walBytes - from.walBytes) / events,
  };
}

async function walBytes(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ bytes: string }>(
    "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::text as bytes",
  );
  return Number(rows[0]?.bytes ?? 0);
}

async function doneIn(variant: WorkerVariant, pool: Pool): Promise<number> {
  const query =
    variant === 'plain-worker'
      ? "select count(*)::int as done from bench_plain where state = 'processed'"
      : "select count(*)::int as done from ledger where state = 'processed'";
  const { rows } = await pool.query<{ done: number }>(query);
  return rows[0]?.done ?? 0;
}

/** Events that took effect, and those that did more than once. */
async function effects(variant: WorkerVariant, pool: Pool): Promise<{ readonly done: number; readonly twice: number }> {
  if (variant === 'plain-worker') return { done: await doneIn(variant, pool), twice: 0 };
  const { rows } = await pool.query<{ done: number; twice: number }>(`
    select count(*)::int as done, count(*) filter (where times > 1)::int as twice
    from (select event_id, count(*) as times from bench_effects group by event_id) as each`);
  return rows[0] ?? { done: 0, twice: 0 };
}
