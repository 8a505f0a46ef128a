import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { aStripeEvent, createTestSystem, postStripe, type TestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

const settings = { PENSTOCK_CONFIG: 'tests/harness/poison.test.config.ts', LOCK_MS: '2000', HANDLER_MS: '60000' };

test(
  'an event that ends every worker which takes it is dead after a few of them, and the others are processed once',
  { timeout: 240_000 },
  async () => {
    await using system = await createTestSystem('redis', { ...settings, CRASHES_MAX: '2', CONCURRENCY: '4' });
    const ingest = await system.startIngest();
    const poison = aStripeEvent({ type: 'customer.deleted' });
    const others = Array.from({ length: 6 }, () => aStripeEvent());
    for (const event of [...others.slice(0, 2), poison, ...others.slice(2)]) await postStripe(ingest, event.body);

    let ended = 0;
    for (let dead = false; !dead && ended < 10;) {
      const worker = await system.startWorker().catch(() => null);
      const exited = worker?.exited.then(() => 'exited' as const) ?? 'exited';
      const outcome = await Promise.race([exited, finished(system, others.length + 1).then(() => 'finished' as const)]);
      if (outcome === 'exited') ended += 1;
      else dead = true;
    }
    // At least one that had others in hand as well, and two that it ended alone.
    expect(ended).toBeGreaterThanOrEqual(3);
    expect(ended).toBeLessThan(10);
    expect(await system.ledger()).toEqual({ processed: others.length, dead: 1 });
    expect(await system.effects()).toEqual(new Map(others.map(({ id }) => [id, 1])));
    const row = await ledgerRow(system, poison.id);
    expect(row).toMatchObject({ failure_code: 'worker_crashed', failure_reason: 'poison' });
    const crashes = await system.db.selectFrom('crashes').selectAll().where('ledger_id', '=', row.id).execute();
    expect(crashes.map(({ number }) => number)).toEqual([1, 2]);
    expect(new Set(crashes.map(({ worker }) => worker)).size).toBe(2);
    await until(async () => (await system.queue.placeOf(`stripe.${poison.id}`)) === 'failed', {
      what: 'the job to be in the failed set',
    });
  },
);

test(
  'three workers killed in a row condemn none of the events that they had in hand',
  { timeout: 240_000 },
  async () => {
    await using system = await createTestSystem('redis', { ...settings, CONCURRENCY: '8' });
    const ingest = await system.startIngest();
    const events = Array.from({ length: 8 }, () => aStripeEvent({ type: 'customer.updated' }));
    for (const { body } of events) await postStripe(ingest, body);
    const timesTaken = async () => {
      const jobs = await system.queue.bulls()[0].getJobs(['active', 'waiting']);
      return new Map(jobs.map((job) => [job.id, job.attemptsStarted]));
    };
    for (let deployment = 0; deployment < 3; deployment += 1) {
      const before = await timesTaken();
      const worker = await system.startWorker();
      // Not "active": so are those of a dead worker, and not those of one whose locks ran out as the machine stood still.
      await until(
        async () => {
          const now = await timesTaken();
          return now.size === events.length && [...now].every(([id, times]) => times > (before.get(id) ?? 0));
        },
        { what: 'every event to have been taken by this worker' },
      );
      worker.kill('SIGKILL');
      await worker.exited;
    }
    await sql`insert into repaired default values`.execute(system.db);
    await system.startWorker();
    await finished(system, events.length);
    expect(await system.ledger()).toEqual({ processed: events.length });
    expect(await system.effects()).toEqual(new Map(events.map(({ id }) => [id, 1])));
  },
);

test('a worker that holds more memory than it may stops cleanly and ends with code 75', async () => {
  await using system = await createTestSystem('redis', { ...settings, MEMORY_MB_MAX: '250' });
  const worker = await system.startWorker({ NODE_OPTIONS: '--import=./tests/fixtures/hold-memory.ts' });
  expect(await worker.exited).toEqual({ code: 75, signal: null });
});

async function finished(system: TestSystem, count: number): Promise<void> {
  await until(
    async () => {
      const { processed = 0, dead = 0 } = await system.ledger();
      return processed + dead === count;
    },
    { what: 'every event to be processed or dead', everyMs: 100 },
  );
}

async function ledgerRow(system: TestSystem, eventId: string) {
  return system.db.selectFrom('ledger').selectAll().where('provider_event_id', '=', eventId).executeTakeFirstOrThrow();
}
