import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findRedisServer, startRedisServer } from '@penstock/local/redis-server';
import { testPostgresUrl, testRunDir } from '@penstock/local/test-services';
import { openLink, type Link } from './chaos/proxy.ts';
import type { TestProcess } from './harness/process.ts';
import { expectAppliedOnce, moreAcknowledged, startSteadyProvider } from './harness/steady-provider.ts';
import { aStripeEvent, createTestSystem, postStripe, type TestIngest, type TestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

interface Region {
  readonly redisDir: string;
  readonly killRedis: () => Promise<void>;
  readonly restartRedis: () => Promise<void>;
  readonly ingest: TestIngest;
  readonly worker: TestProcess;
  /** Between its workers and the ledger. */
  readonly link: Link;
}

/** docs/REGIONS.md: ingest, queue and a worker in each of two regions, and one ledger. */
// Where Redis comes in a container there is no server of ours to kill.
describe.runIf(findRedisServer() !== null)('two regions', () => {
  let system: TestSystem;
  let east: Region;
  let west: Region;
  const resources = new AsyncDisposableStack();

  beforeAll(async () => {
    system = resources.use(
      await createTestSystem('redis', {
        QUEUE_NAME: 'webhooks',
        PENSTOCK_CONFIG: 'tests/harness/penstock.test.config.ts',
        SWEEP_MS: '500',
        SWEEP_GRACE_MS: '2000',
      }),
    );
    east = await startRegion('east', {});
    west = await startRegion('west', { FORWARD_CONCURRENCY: '0' });
  }, 180_000);
  afterAll(() => resources.disposeAsync());

  async function startRegion(name: string, given: Readonly<Record<string, string>>): Promise<Region> {
    const redisDir = join(testRunDir(), `regions-${name}`);
    let redis = await startRedisServer({ dir: redisDir });
    resources.defer(() => redis.stop());
    const link = resources.use(await openLink({ port: Number(new URL(testPostgresUrl()).port) }));
    const environment = { ...given, REDIS_URL: redis.url, DATABASE_URL: through(link) };
    return {
      redisDir,
      killRedis: () => redis.kill(),
      restartRedis: async () => {
        redis = await startRedisServer({ dir: redisDir, port: redis.port });
      },
      ingest: resources.use(await system.startIngest(environment)),
      worker: resources.use(await system.startWorker(environment)),
      link,
    };
  }

  function through(link: Link): string {
    const url = new URL(system.environment['DATABASE_URL'] ?? '');
    url.port = String(link.port);
    return url.href;
  }

  test('an event that reaches both at one moment is accepted by both and applied once', async () => {
    const events = Array.from({ length: 30 }, () => aStripeEvent());
    const answers = await Promise.all(
      events.flatMap(({ body }) => [postStripe(east.ingest, body), postStripe(west.ingest, body)]),
    );
    expect(answers.map(({ json }) => json['status'])).toEqual(answers.map(() => 'accepted'));
    await expectAppliedOnce(
      system,
      events.map(({ id }) => id),
    );
    // Each region's worker saw all of them; which was first is chance.
    await until(
      async () => {
        const { rows } = await sql<{ kind: string; count: number }>`
          select kind, count(*)::int as count from deliveries group by kind order by kind`.execute(system.db);
        return JSON.stringify(rows) === JSON.stringify(['first', 'repeat'].map((kind) => ({ kind, count: 30 })));
      },
      { what: 'the second of each to be told' },
    );
  });

  test("a region's queue dies with what waits in it: the other goes on, and all is applied once it is back", async () => {
    west.link.set({ kind: 'cut' });
    await using provider = startSteadyProvider(west.ingest);
    await moreAcknowledged(provider, 40);
    await west.killRedis();
    await until(() => provider.refused() > 0, { what: 'an event to be refused' });
    const elsewhere = aStripeEvent();
    expect((await postStripe(east.ingest, elsewhere.body)).status).toBe(200);
    await expectAppliedOnce(system, [elsewhere.id]);
    const [lost] = provider.acknowledged;
    expect((await system.effects()).has(lost ?? '')).toBe(false);
    await west.restartRedis();
    west.link.set({ kind: 'open' });
    await moreAcknowledged(provider, 10);
    await provider.stop();
    await expectAppliedOnce(system, provider.acknowledged);
  }, 240_000);

  test('the link between a region and the ledger is cut: it accepts, the other applies, and no attempt is lost', async () => {
    west.link.set({ kind: 'cut' });
    const [here, there] = [aStripeEvents(20), aStripeEvents(20)];
    const answers = await Promise.all([
      ...here.map(({ body }) => postStripe(west.ingest, body)),
      ...there.map(({ body }) => postStripe(east.ingest, body)),
    ]);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    await expectAppliedOnce(system, ids(there));
    await west.worker.waitForLine(/the database is away/);
    west.link.set({ kind: 'open' });
    await expectAppliedOnce(system, ids(here));
    const attempts = await system.db
      .selectFrom('ledger')
      .select('attempts')
      .where('provider_event_id', 'in', [...ids(here)])
      .distinct()
      .execute();
    expect(attempts).toEqual([{ attempts: 1 }]);
  }, 240_000);

  test('a region is lost: the other finishes what was stored, and its queue is emptied from a copy of its disk', async () => {
    // Stored, and to be tried again by the region that will not be there.
    const failing = aStripeEvent({ type: 'customer.deleted' });
    await postStripe(west.ingest, failing.body);
    await until(async () => (await stateOf(failing.id)) === 'received', { what: 'the failed attempt to be stored' });
    west.link.set({ kind: 'cut' });
    const waiting = aStripeEvents(20);
    for (const { body } of waiting) expect((await postStripe(west.ingest, body)).status).toBe(200);
    west.worker.kill('SIGKILL');
    west.ingest.kill('SIGKILL');
    await west.killRedis();

    await sql`insert into repaired default values`.execute(system.db);
    await until(async () => (await stateOf(failing.id)) === 'processed', {
      what: 'the other region to finish it',
    });

    const copy = join(testRunDir(), 'regions-west-copy');
    cpSync(west.redisDir, copy, { recursive: true });
    await using saved = await startRedisServer({ dir: copy });
    await using _worker = await system.startWorker({ REDIS_URL: saved.url });
    await expectAppliedOnce(system, ids(waiting));
  }, 240_000);

  async function stateOf(eventId: string): Promise<string | undefined> {
    const row = await system.db
      .selectFrom('ledger')
      .select('state')
      .where('provider_event_id', '=', eventId)
      .executeTakeFirst();
    return row?.state;
  }
});

function aStripeEvents(count: number) {
  return Array.from({ length: count }, () => aStripeEvent());
}

function ids(events: readonly { readonly id: string }[]): readonly string[] {
  return events.map(({ id }) => id);
}
