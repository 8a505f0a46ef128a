import { afterAll, beforeAll, expect, test } from 'vitest';
import { TransientError } from '@penstock/core/failure';
import { retryRules } from '@penstock/core/retry-settings';
import { on } from '@penstock/db/handler';
import { openDatabase } from '@penstock/db/database';
import { openLedgerStore } from '@penstock/db/ledger-store';
import { createTestDatabase, type TestDatabase } from '@penstock/db/testing/test-database';
import { testPostgresUrl } from '@penstock/local/test-services';
import { processWebhook, type ProcessWorld } from '@penstock/worker/process-webhook';
import { processWorld } from '@penstock/worker/testing/process-world';
import { aDelivery } from './harness/deliveries.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase(testPostgresUrl());
});
afterAll(() => database[Symbol.asyncDispose]());

test('a service that a handler cannot reach is the handler’s failure and costs an attempt, unlike a database that is away', async () => {
  const unreachable = on('*', 'call-somebody', async () => {
    throw Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:9'), { code: 'ECONNREFUSED' });
  });
  const delivery = aDelivery();
  const job = { jobId: delivery.eventId, data: delivery, attempt: 1 };
  expect(await processWebhook(job, worldWith([unreachable]))).toMatchObject({
    kind: 'failed',
    failure: { code: 'ECONNREFUSED' },
    next: { kind: 'retry' },
  });
  await using away = openDatabase({ url: 'postgres://nobody@127.0.0.1:9/none', poolMax: 1, applicationName: 'test' });
  expect(await processWebhook(job, { ...worldWith([]), store: openLedgerStore(away) })).toMatchObject({
    kind: 'outage',
  });
});

test('after its last attempt an event is dead with the reason that its retries are exhausted', async () => {
  const failing = on('*', 'fail', async () => {
    throw new Error('still broken');
  });
  const delivery = aDelivery();
  const attempts = [1, 2, 3, 4, 5, 6].map((attempt) => ({ jobId: delivery.eventId, data: delivery, attempt }));
  const ends: string[] = [];
  for (const job of attempts) {
    const processed = await processWebhook(job, worldWith([failing]));
    ends.push(processed.kind === 'failed' ? processed.next.kind : processed.kind);
  }
  expect(ends).toEqual(['retry', 'retry', 'retry', 'retry', 'retry', 'dead']);
  const row = await database.db
    .selectFrom('ledger')
    .select(['state', 'failure_code', 'failure_reason', 'attempts'])
    .where('provider_event_id', '=', delivery.eventId)
    .executeTakeFirst();
  expect(row).toEqual({
    state: 'dead',
    failure_code: 'handler_failed',
    failure_reason: 'retries_exhausted',
    attempts: 6,
  });
});

test("an endpoint's own pace is kept, a Retry-After is honoured, and the wait is recorded with what it was made of", async () => {
  const busy = on('*', 'ask-the-bank', async () => {
    throw new TransientError('bank_busy', 'the bank wants to be left alone', { retryAfterMs: 90_000 });
  });
  const retry = retryRules({ types: { 'customer.*': { retries: 1 } } });
  const world = {
    ...worldWith([busy]),
    endpoints: new Map([['stripe', { settings: {}, confirm: null, retry }]]),
  };
  const delivery = aDelivery();
  const job = (attempt: number) => ({ jobId: delivery.eventId, data: delivery, attempt });
  expect(await processWebhook(job(1), world)).toMatchObject({ kind: 'failed', next: { kind: 'retry' } });
  expect(await processWebhook(job(2), world)).toMatchObject({ next: { kind: 'dead', reason: 'retries_exhausted' } });
  const [first, last] = await database.db
    .selectFrom('attempts')
    .innerJoin('ledger', 'ledger.id', 'attempts.ledger_id')
    .select(['retry_in_ms', 'retry_seed', 'retry_jitter', 'retry_asked_ms', 'first_failure_code'])
    .where('provider_event_id', '=', delivery.eventId)
    .orderBy('attempts.id')
    .execute();
  expect(first).toMatchObject({ retry_seed: `${delivery.eventId}#1`, retry_asked_ms: 90_000 });
  expect(first?.retry_in_ms).toBeCloseTo(90_000 * (1 + (first?.retry_jitter ?? 0)), -1);
  expect(last).toMatchObject({ retry_in_ms: null, retry_seed: null, first_failure_code: 'bank_busy' });
});

test('a job that is not a delivery is dead at once and enters no ledger', async () => {
  expect(await processWebhook({ jobId: 'x', data: { v: 2 }, attempt: 1 }, worldWith([]))).toMatchObject({
    kind: 'unreadable',
    failure: { code: 'malformed_delivery', permanent: true },
  });
});

function worldWith(handlers: ProcessWorld['handlers']): ProcessWorld {
  return processWorld(database.db, { handlers });
}
