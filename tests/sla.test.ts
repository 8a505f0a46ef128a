import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { runConsole } from '@penstock/console/testing/run-console';
import { storeEvent } from '@penstock/db/events';
import { enterLedger } from '@penstock/db/ledger';
import { lateMinutes, slaBeside, slaByType } from '@penstock/db/sla';
import { createTestDatabase, type TestDatabase } from '@penstock/db/testing/test-database';
import { aDelivery } from './harness/deliveries.ts';
import { startProcess } from './harness/process.ts';

let database: TestDatabase;
const now = Date.now();
const range = { from: new Date(now - 86_400_000), to: new Date(now - 30_000), lateMs: 30_000 };

beforeAll(async () => {
  database = await createTestDatabase(inject('postgresUrl'));
  for (let number = 1; number <= 100; number += 1) await event({ minutesAgo: 60, seconds: number / 100 });
  await event({ minutesAgo: 60, seconds: 45 });
  await event({ minutesAgo: 58, seconds: 90 });
  await event({ minutesAgo: 20, seconds: 1, state: 'dead', type: 'charge.failed' });
  await event({ minutesAgo: 10, seconds: null, type: 'charge.failed' });
  // Not due yet; too old; ours.
  await event({ minutesAgo: 0, seconds: null });
  await event({ minutesAgo: 3_000, seconds: 500 });
  await event({ minutesAgo: 30, seconds: 500, endpoint: 'canary' });
  await replayed({ minutesAgo: 25, seconds: 900, type: 'charge.refunded' }, 'processed');
  await replayed({ minutesAgo: 25, seconds: 1_200, type: 'charge.updated' }, 'dead');
});
afterAll(() => database[Symbol.asyncDispose]());

test('late is what took longer, what has died and what still waits; what is not due yet, older, replayed once finished, or the canary’s is not counted', async () => {
  expect(await slaByType(database.db, range)).toEqual([
    {
      provider: 'stripe',
      type: 'charge.succeeded',
      events: 102,
      late: 2,
      dead: 0,
      waiting: 0,
      p50: 0.51,
      p95: 0.97,
      p99: 45,
      most: 90,
    },
    {
      provider: 'stripe',
      type: 'charge.failed',
      events: 2,
      late: 2,
      dead: 1,
      waiting: 1,
      p50: null,
      p95: null,
      p99: null,
      most: null,
    },
    // Healed by a replay: late all the same, and how long it took says nothing.
    {
      provider: 'stripe',
      type: 'charge.updated',
      events: 1,
      late: 1,
      dead: 0,
      waiting: 0,
      p50: null,
      p95: null,
      p99: null,
      most: null,
    },
  ]);
  expect(await slaBeside(database.db, range)).toMatchObject({
    replayed: 1,
    canary: { sent: 1, late: 1, p50: 500, most: 500 },
  });
  expect((await lateMinutes(database.db, range)).map(({ late }) => late)).toEqual([1, 1, 1, 1, 1]);
});

test('one stretch of an index by time is read, and no more of the ledger', async () => {
  const { rows } = await database.db.transaction().execute(async (tx) => {
    await sql`set local enable_seqscan = off`.execute(tx);
    return sql<{ 'QUERY PLAN': string }>`
      explain select count(*) from ledger
      where received_at >= ${range.from} and received_at < ${range.to} and endpoint <> 'canary'`.execute(tx);
  });
  expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toMatch(
    /ledger_by_(?:time|endpoint)[\s\S]*Index Cond: \(\(received_at >=/,
  );
});

test('pnpm sla report tells shares, percentiles, incidents and the budget; how fast answers were, Prometheus says', async () => {
  await using prometheus = await startStandIn();
  {
    const env = { DATABASE_URL: database.url, PROMETHEUS_URL: prometheus.url };
    await using told = await startProcess({
      name: 'sla',
      script: 'apps/worker/src/commands/sla.ts',
      args: ['report', '--since', '24h'],
      env,
    });
    // 5 of 105 late is far past one in a thousand.
    expect(await told.exited).toEqual({ code: 1, signal: null });
    expect(told.output()).toContain('Processed within 30 s: 95.24 % of 105 events, 5 late');
    expect(told.output()).toContain('Answered within 250 ms at stripe (stripe): 99.00 % of 1000 requests');
    expect(told.output()).toMatch(/charge\.failed +50 +60\.00 %\n.*charge\.succeeded +100 +100\.00 %/);
    expect(told.output()).toMatch(/charge\.succeeded +102 +2 +0 +0\.51 s +0\.97 s +45\.00 s +90\.00 s/);
    expect(told.output()).toContain('Left out: 1 that were replayed after they were finished, 1 of the canary');
    expect(told.output()).toMatch(/2 late, stripe, up to 90\.00 s/);
    expect(prometheus.asked.every((query) => query.includes('[1440m]'))).toBe(true);
  }
  await using alone = await startProcess({
    name: 'sla',
    script: 'apps/worker/src/commands/sla.ts',
    args: ['report', '--since', '5m', '--json'],
    env: { DATABASE_URL: database.url },
  });
  expect(await alone.exited).toEqual({ code: 0, signal: null });
  expect(JSON.parse(alone.output())).toMatchObject({ events: 0, left: 1, answered: null });
});

test('a stretch of time that makes no sense, or has no end, is refused with words', async () => {
  for (const since of ['93d', 'yesterday', '0m']) {
    await using refused = await startProcess({
      name: 'sla',
      script: 'apps/worker/src/commands/sla.ts',
      args: ['report', '--since', since],
      env: { DATABASE_URL: database.url },
    });
    expect((await refused.exited).code).toBe(78);
    expect(refused.output()).toContain(`up to 92d: 45m, 12h, 30d; not ${since}`);
  }
});

test('the console shows the same, to those who are logged in', async () => {
  const prometheus = await startStandIn();
  await using running = await runConsole({
    environment: {
      DATABASE_URL: database.url,
      REDIS_URL: inject('redisUrl'),
      QUEUE_NAME: 'console-sla',
      PROMETHEUS_URL: prometheus.url,
    },
  });
  const cookie = await running.logIn();
  const page = await running.ask('/sla?days=1', { cookie, headers: { accept: 'text/html' } });
  const text = await page.text();
  expect(page.status).toBe(200);
  expect(text).toContain('<strong>95.24 %</strong> of 105 events');
  expect(text).toContain('charge.succeeded');
  const json = await running.ask('/sla?days=1', { cookie, headers: { accept: 'application/json' } });
  expect(await json.json()).toMatchObject({
    objective: { withinMs: 30_000 },
    rows: [{ late: 2 }, { late: 2 }, { late: 1 }],
    replayed: 1,
    canary: { sent: 1 },
  });
  expect(text).toContain('Of 1 received, 1 were not finished within 30 s');
  expect(text).toMatch(
    /<th scope="row">stripe<\/th><td>stripe<\/td><td class="n">1000<\/td><td class="n">99\.00 %<\/td>/,
  );
  expect(text).toMatch(/<td><code>charge\.failed<\/code><\/td><td class="n">50<\/td><td class="n">60\.00 %<\/td>/);
  await prometheus[Symbol.asyncDispose]();
  const without = await running.ask('/sla?days=1', { cookie, headers: { accept: 'text/html' } });
  expect([without.status, await without.text()]).toEqual([
    200,
    expect.stringContaining('Prometheus does not answer now'),
  ]);
  const stranger = await running.ask('/sla', { headers: { accept: 'text/html' } });
  expect(stranger.status).toBe(303);
});

/** A Prometheus that has seen a thousand requests of one endpoint, ten of them late, and of one type's 50 events 20 that were. */
async function startStandIn(): Promise<AsyncDisposable & { readonly url: string; readonly asked: readonly string[] }> {
  const asked: string[] = [];
  const ofTypes = (sums: Readonly<Record<string, string>>) =>
    Object.entries(sums).map(([type, sum]) => ({ metric: { provider: 'stripe', type }, value: [1, sum] }));
  const atStripe = (sum: string) => [{ metric: { endpoint: 'stripe', provider: 'stripe' }, value: [1, sum] }];
  const sums = [
    ['http_server_request_duration_seconds_bucket{', atStripe('990')],
    ['http_server_request_duration_seconds_count{', atStripe('1000')],
    ['penstock_events_answered_late_total{', ofTypes({ 'charge.succeeded': '0', 'charge.failed': '20' })],
    ['penstock_events_total{', ofTypes({ 'charge.succeeded': '100', 'charge.failed': '50' })],
  ] as const;
  const server = createServer((request, response) => {
    const query = new URL(request.url ?? '', 'http://localhost').searchParams.get('query') ?? '';
    asked.push(query);
    const result = sums.find(([series]) => query.includes(series))?.[1] ?? [];
    response.end(JSON.stringify({ status: 'success', data: { resultType: 'vector', result } }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** One that a replay gave back, which had ended as `was`. */
async function replayed(given: Given, was: 'processed' | 'dead'): Promise<void> {
  const id = await event(given);
  await sql`
    with replay as (
      insert into replays (planned_by, reason, filter, per_second, events)
      values ('test', 'test', '{}', 1, 1) returning id)
    insert into replay_items (replay_id, ledger_id, was, state, moved_at)
    select id, ${id}, ${was}, 'moved', now() from replay`.execute(database.db);
  if (was === 'dead')
    await sql`insert into deaths (ledger_id, code, message, fingerprint, reason)
      values (${id}, 'test', 'test', 'test', 'permanent_failure')`.execute(database.db);
}

interface Given {
  readonly minutesAgo: number;
  readonly seconds: number | null;
  readonly state?: 'dead';
  readonly type?: string;
  readonly endpoint?: string;
}

async function event(given: Given): Promise<number> {
  const minute = Math.floor(now / 60_000) * 60_000;
  const receivedAt = given.minutesAgo === 0 ? new Date(now) : new Date(minute - given.minutesAgo * 60_000);
  const delivery = aDelivery({
    eventId: `evt_${randomUUID()}`,
    type: given.type ?? 'charge.succeeded',
    endpoint: given.endpoint ?? 'stripe',
    account: given.endpoint ?? 'stripe',
    receivedAt: receivedAt.toISOString(),
  });
  return database.db.transaction().execute(async (tx) => {
    const entry = await enterLedger(tx, delivery);
    await storeEvent(tx, entry.id, delivery);
    if (given.seconds === null) return entry.id;
    await tx
      .updateTable('ledger')
      .set({
        state: given.state ?? 'processed',
        finished_at: new Date(receivedAt.getTime() + given.seconds * 1_000),
        ...(given.state === 'dead'
          ? { failure_code: 'test', failure_message: 'test', failure_fingerprint: 'test' }
          : {}),
      })
      .where('id', '=', entry.id)
      .execute();
    return entry.id;
  });
}
