import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { Pool } from 'pg';
import { encodeBody, sha256Hex, type Delivery } from '@penstock/core/delivery';
import { openWebhookQueue } from '@penstock/runtime/webhook-queue';
import { startChild, type Child } from './child.ts';
import type { Measurement, Round } from './report.ts';
import type { BenchServices } from './services.ts';
import { stripeEvents, type BenchEvent } from './stripe-requests.ts';
import { smallTransactions } from './workers/small-transactions.ts';

export const workerVariants = ['small-transactions', 'plain-worker', 'penstock-worker'] as const;
export type WorkerVariant = (typeof workerVariants)[number];

/** The share of events that is not counted: code is compiled and connections are opened while they are processed. */
const WARM_UP_SHARE = 0.2;

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
    await fill(variant, events, services);
    await using worker = startWorker(variant, { services, databaseUrl, profile: round.profile });
    await worker.line((document) => (isReady(document) ? true : undefined));
    const perSecond = await rateOf(events.length, async () => doneIn(variant, pool));
    const { done, twice } = await effects(variant, pool);
    onDone({ name: variant, perSecond, lost: events.length - done, failed: twice, latency: null });
  } finally {
    await pool.end();
  }
}

async function fill(variant: WorkerVariant, events: readonly BenchEvent[], services: BenchServices): Promise<void> {
  if (variant === 'plain-worker') {
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
  await using queue = openWebhookQueue({ backend: 'redis', url: services.redisUrl, name: 'webhooks' });
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
  if (variant === 'plain-worker')
    return startChild({
      script: 'bench/src/workers/plain.ts',
      args: [services.redisUrl, databaseUrl, '64'],
      profile,
    });
  return startChild({
    script: 'apps/worker/src/main.ts',
    env: {
      REDIS_URL: services.redisUrl,
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

/** Events a second after the warm-up, seen from outside. */
async function rateOf(count: number, done: () => Promise<number>): Promise<number> {
  let from: { readonly at: number; readonly done: number } | null = null;
  for (;;) {
    const now = { at: performance.now(), done: await done() };
    if (from === null && now.done >= count * WARM_UP_SHARE) from = now;
    if (from !== null && now.done >= count) return ((now.done - from.done) / (now.at - from.at)) * 1_000;
    await sleep(20);
  }
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
