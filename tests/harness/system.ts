import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { LedgerDatabase } from '@penstock/db/database';
import { createTestDatabase, type TestDatabase } from '@penstock/db/testing/test-database';
import { signStripeRequest } from '@penstock/core/providers/stripe/sign';
import { testPostgresUrl } from '@penstock/local/test-services';
import { openWebhookQueue, type WebhookQueue } from '@penstock/runtime/webhook-queue';
import { startProcess, type TestProcess } from './process.ts';
import { createTestQueue, type QueueBackend } from './queues.ts';

export const stripeSecret = 'whsec_test_secret_of_the_tests';
export const paypalWebhookId = '4JH86294D6297924G';

/** A database, a queue and what is needed to run processes on them. */
export interface TestSystem extends AsyncDisposable {
  readonly db: LedgerDatabase;
  readonly queue: WebhookQueue;
  readonly environment: Readonly<Record<string, string>>;
  readonly startIngest: (given?: Readonly<Record<string, string>>, script?: string) => Promise<TestIngest>;
  readonly startWorker: (
    given?: Readonly<Record<string, string>>,
    script?: string,
  ) => Promise<TestProcess & { readonly healthUrl: string }>;
  /** A worker that may be gone before it can say that it takes webhooks. */
  readonly startDoomedWorker: (given: Readonly<Record<string, string>>, script?: string) => Promise<TestProcess>;
  /** How often each event's handler took effect, by event id. */
  readonly effects: () => Promise<ReadonlyMap<string, number>>;
  /** How many events the ledger has in each state. */
  readonly ledger: () => Promise<Readonly<Record<string, number>>>;
}

export type TestIngest = TestProcess & { readonly url: string; readonly healthUrl: string };

/** Makes a system with nothing running. */
export async function createTestSystem(
  backend: QueueBackend = 'redis',
  given: Readonly<Record<string, string>> = {},
  postgresUrl = testPostgresUrl(),
  createDatabase: (adminUrl: string) => Promise<TestDatabase> = createTestDatabase,
): Promise<TestSystem> {
  const database = await createDatabase(postgresUrl);
  const { db } = database;
  await sql`create table effects (event_id text not null)`.execute(db);
  await sql`create table repaired (at timestamptz not null default now())`.execute(db);
  const testQueue = await createTestQueue(backend);
  const queue = openWebhookQueue(testQueue.location);
  await queue.connected();
  const environment = {
    ...testQueue.environment,
    DATABASE_URL: database.url,
    STRIPE_WEBHOOK_SECRET: stripeSecret,
    PAYPAL_WEBHOOK_ID: paypalWebhookId,
    PAYPAL_SIMULATOR_URL: 'http://127.0.0.1:9',
    PENSTOCK_CONFIG: 'tests/harness/penstock.test.config.ts',
    PORT: '0',
    HEALTH_PORT: '0',
    // Short, so that what a killed worker held comes back while a test waits.
    LOCK_MS: '1000',
    // The tests load two cores with everything at once; the deadline itself has its own test.
    ENQUEUE_MS: '10000',
    ...given,
  };
  return {
    db,
    queue,
    environment,
    startIngest: async (more = {}, script = 'apps/ingest/src/main.ts') => {
      const started = await startProcess({ name: 'ingest', script, env: { ...environment, ...more } });
      const { url, healthUrl } = JSON.parse((await started.waitForLine(/"listening/)).input);
      return { ...started, url: String(url), healthUrl: String(healthUrl) };
    },
    startWorker: async (more = {}, script = 'apps/worker/src/main.ts') => {
      const started = await startProcess({ name: 'worker', script, env: { ...environment, ...more } });
      const { healthUrl } = JSON.parse((await started.waitForLine(/"taking webhooks"/)).input);
      return { ...started, healthUrl: String(healthUrl) };
    },
    startDoomedWorker: (more, script = 'apps/worker/src/main.ts') =>
      startProcess({ name: 'worker', script, env: { ...environment, ...more } }),
    effects: async () => {
      const { rows } = await sql<{
        event_id: string;
        times: number;
      }>`select event_id, count(*)::int as times from effects group by event_id`.execute(db);
      return new Map(rows.map((row) => [row.event_id, row.times]));
    },
    ledger: async () => {
      const rows = await db
        .selectFrom('ledger')
        .select(['state', (count) => count.fn.countAll<number>().as('count')])
        .groupBy('state')
        .execute();
      return Object.fromEntries(rows.map((row) => [row.state, Number(row.count)]));
    },
    [Symbol.asyncDispose]: async () => {
      await queue[Symbol.asyncDispose]();
      await testQueue[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** A Stripe event as Stripe renders it. */
export function aStripeEvent(
  given: {
    readonly id?: string;
    readonly type?: string;
    readonly created?: number;
    readonly object?: Record<string, unknown>;
  } = {},
): { readonly id: string; readonly body: Buffer } {
  const id = given.id ?? `evt_${randomUUID().replaceAll('-', '')}`;
  const body = {
    id,
    object: 'event',
    api_version: '2026-01-28',
    created: given.created ?? 1_790_000_000,
    livemode: false,
    pending_webhooks: 1,
    type: given.type ?? 'customer.created',
    data: { object: given.object ?? { id: 'cus_1', object: 'customer' } },
    request: { id: null, idempotency_key: null },
  };
  return { id, body: Buffer.from(JSON.stringify(body)) };
}

/** Posts a body, signed as Stripe signs it unless headers say otherwise. */
export async function postStripe(
  ingest: { readonly url: string },
  body: Buffer,
  options: {
    readonly endpoint?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly signedAt?: Date;
    readonly secret?: string;
  } = {},
): Promise<{ readonly status: number; readonly headers: Headers; readonly json: Record<string, unknown> }> {
  const signed = signStripeRequest({
    body,
    secrets: [options.secret ?? stripeSecret],
    signedAt: options.signedAt ?? new Date(),
  });
  const response = await fetch(`${ingest.url}${options.endpoint ?? 'stripe'}`, {
    method: 'POST',
    headers: { ...signed, ...options.headers },
    body: new Uint8Array(body),
    signal: AbortSignal.timeout(60_000),
  });
  const text = await response.text();
  const json: unknown = text === '' ? {} : JSON.parse(text);
  return {
    status: response.status,
    headers: response.headers,
    json: typeof json === 'object' && json !== null ? { ...json } : {},
  };
}
