import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from 'kysely';
import { queueBackends } from './harness/queues.ts';
import { scrape } from './harness/samples.ts';
import { aStripeEvent, createTestSystem, postStripe, type TestIngest, type TestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';

describe.each(queueBackends)('what the processes tell Prometheus, with the queue on %s', (backend) => {
  let system: TestSystem;
  let ingest: TestIngest;
  let worker: Awaited<ReturnType<TestSystem['startWorker']>>;

  beforeAll(async () => {
    system = await createTestSystem(backend, { PENSTOCK_CONFIG: 'tests/harness/metrics.test.config.ts' });
    ingest = await system.startIngest();
    worker = await system.startWorker({ GIT_COMMIT: 'abc123' });
  });
  afterAll(() => system[Symbol.asyncDispose]());

  test('money is counted once, by the commit that first folded it, however often the event is tried or sent', async () => {
    const event = aStripeEvent({ type: 'charge.succeeded', object: aCharge(1_250) });
    const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
    await postStripe(ingest, event.body, { headers });
    await until(
      async () => (await scrape(worker.healthUrl))('penstock_failed_attempts_total', { outcome: 'retry' }) === 1,
      {
        what: 'the first attempt to fail',
      },
    );
    await sql`insert into repaired default values`.execute(system.db);
    await until(async () => (await system.ledger())['processed'] === 1, { what: 'the second attempt' });
    // Of the requests in a bucket, the last one's trace is told.
    await postStripe(ingest, event.body, { headers });
    const told = await until(
      async () => {
        const sample = await scrape(worker.healthUrl);
        return sample('penstock_events_total', {
          outcome: 'processed',
          type: 'charge.succeeded',
          provider: 'stripe',
        }) === 1
          ? sample
          : undefined;
      },
      { what: 'the event to be counted' },
    );
    expect(
      told('penstock_money_minor_units_total', { provider: 'stripe', currency: 'USD', movement: 'captured' }),
    ).toBe(1_250);
    expect(told('penstock_currency_minor_units', { currency: 'USD' })).toBe(100);
    expect(told('penstock_received_to_committed_seconds_count')).toBe(1);
    expect(told('penstock_received_to_processed_seconds_count', { attempt: '2' })).toBe(1);
    expect(told('penstock_handler_duration_seconds_count', { handler: 'fail-until-repaired', outcome: 'failed' })).toBe(
      1,
    );
    expect(told('penstock_handler_duration_seconds_count', { handler: 'fail-until-repaired', outcome: 'done' })).toBe(
      1,
    );
  });

  test('a latency has the trace of one of the requests it is made of', async () => {
    const response = await fetch(`${ingest.healthUrl}/metrics`, {
      headers: { accept: 'application/openmetrics-text' },
    });
    const text = await response.text();
    expect(text).toMatch(
      new RegExp(
        `^http_server_request_duration_seconds_bucket\\{.*endpoint="stripe".*\\} \\d+ # \\{trace_id="${traceId}"\\}`,
        'm',
      ),
    );
  });

  test('an event type that the provider does not document counts as other, at ingest and at the worker', async () => {
    await postStripe(ingest, aStripeEvent({ type: 'made.up.by_a_sender' }).body);
    const ignored = { type: 'other', outcome: 'ignored' };
    await until(async () => (await scrape(worker.healthUrl))('penstock_events_total', ignored) === 1, {
      what: 'the event',
    });
    const sample = await scrape(ingest.healthUrl);
    expect(sample('penstock_events_total', { type: 'other', outcome: 'queued' })).toBe(1);
    expect(sample('penstock_events_total', { type: 'made.up.by_a_sender' })).toBeUndefined();
    expect(sample('penstock_provider_created_to_received_seconds_count', { endpoint: 'stripe' })).toBe(2);
  });

  test('a dead letter is counted by endpoint, by whose matter it is and by the code of its failure', async () => {
    await postStripe(ingest, Buffer.from('{"hello":"world"}'));
    const dead = {
      endpoint: 'stripe',
      provider: 'stripe',
      class: 'malformed',
      code: 'malformed_event',
      replayed: 'false',
    };
    await until(async () => (await scrape(worker.healthUrl))('penstock_dead_letters_total', dead) === 1, {
      what: 'the death',
    });
  });

  test('queue, database, pool and build are told; Redis where there is one', async () => {
    await until(async () => (await scrape(worker.healthUrl))('penstock_queue_jobs', { state: 'failed' }) === 1, {
      what: 'the dead job to be in the failed set',
    });
    const sample = await scrape(worker.healthUrl);
    expect(sample('penstock_queue_oldest_waiting_seconds')).toBe(0);
    expect(sample('penstock_queue_durable')).toBe(1);
    expect(
      sample('db_client_operation_duration_seconds_count', {
        db_operation_name: 'update',
        db_collection_name: 'ledger',
      }),
    ).toBeGreaterThan(0);
    expect(sample('db_client_connection_max')).toBe(10);
    expect(sample('db_client_connection_count')).toBeGreaterThan(0);
    expect(sample('penstock_database_replicas')).toBe(0);
    expect(sample('penstock_build_info', { commit: 'abc123' })).toBe(1);
    expect(sample('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThan(0);
    const onRedis = backend === 'redis';
    expect((sample('penstock_redis_memory_used_bytes') ?? 0) > 0).toBe(onRedis);
    expect(sample('penstock_redis_aof_last_write_ok')).toBe(onRedis ? 1 : undefined);
  });

  test('the age of the backlog is that of the job that waits longest', async () => {
    await worker.stop();
    await postStripe(ingest, aStripeEvent().body);
    const oldest = await until(() => system.queue.oldestWaiting(), { what: 'the job' });
    await postStripe(ingest, aStripeEvent().body);
    await until(async () => (await system.queue.counts()).waiting === 2, { what: 'the second job' });
    expect(await system.queue.oldestWaiting()).toEqual(oldest);
  });
});

function aCharge(amount: number): Record<string, unknown> {
  return {
    id: 'ch_counted',
    object: 'charge',
    amount,
    amount_captured: amount,
    amount_refunded: 0,
    captured: true,
    currency: 'usd',
    paid: true,
    refunded: false,
    status: 'succeeded',
    payment_intent: null,
  };
}
