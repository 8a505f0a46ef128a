import { randomBytes, randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { jobIdOf, type Delivery } from '@penstock/core/delivery';
import { PermanentError, toFailure } from '@penstock/core/failure';
import type { PayloadKeys } from '@penstock/core/payload-keys';
import { openDatabase } from '@penstock/db/database';
import { openLedgerStore, type LedgerStore } from '@penstock/db/ledger-store';
import { consumeWebhooks } from '@penstock/runtime/webhook-consumer';
import { buryDelivery } from '@penstock/worker/record-failed-attempt';
import { storeDelivery } from '@penstock/worker/store-delivery';
import { sweep, SWEEP_FAILURES_TOLD } from '@penstock/worker/sweep';
import { aDelivery } from './harness/deliveries.ts';
import { createTestSystem, type TestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

test('stored events that do not open are told of, and all others are mended beside them', async () => {
  await using system = await createTestSystem();
  const store = openLedgerStore(system.db);
  await using sealing = openSealing(system);
  const sealed = openLedgerStore(sealing);
  const unreadable = Array.from({ length: SWEEP_FAILURES_TOLD + 2 }, () => aDelivery());
  const [unfinished, dead, unreadableDead] = [aDelivery(), aDelivery(), aDelivery()];
  for (const delivery of unreadable) await receive(sealed, delivery);
  await receive(store, unfinished);
  const failure = toFailure(new PermanentError('test_poison', 'broken'));
  await buryDelivery(store, dead, { failure });
  await buryDelivery(sealed, unreadableDead, { failure });

  const swept = await sweepLater(system, store);
  expect(swept).toMatchObject({ recreated: 1, buried: 1, failed: unreadable.length + 1 });
  // The rest would be the same line again and again.
  expect(swept?.failures).toHaveLength(SWEEP_FAILURES_TOLD);
  expect(swept?.failures[0]).toMatchObject({ failure: { code: 'payload_key_unknown' } });
  expect(unreadable.map(jobIdOf)).toContain(swept?.failures[0]?.jobId);
  expect(await system.queue.placeOf(jobIdOf(unfinished))).toBe('waiting');
});

test('a failed job whose event cannot be stored is told of, and the failed set and the dead are swept beside it', async () => {
  await using system = await createTestSystem();
  const [unstorable, lost, dead] = [aDelivery(), aDelivery(), aDelivery()];
  await system.queue.add([unstorable, lost]);
  await failAll(system);
  const store = openLedgerStore(system.db);
  await buryDelivery(store, dead, { failure: toFailure(new PermanentError('test_poison', 'broken')) });

  const refusing: LedgerStore = {
    ...store,
    transaction: (work) =>
      store.transaction((tx) =>
        work({
          ...tx,
          enterLedger: (delivery) =>
            tx.enterLedger(delivery.eventId === unstorable.eventId ? { ...delivery, requestId: '\0' } : delivery),
        }),
      ),
  };
  const swept = await sweepLater(system, refusing);
  expect(swept).toMatchObject({ markedDead: 1, buried: 1, failed: 1 });
  expect(swept?.failures).toMatchObject([{ jobId: jobIdOf(unstorable), failure: { code: '22021' } }]);
});

test('a sweep ends where the ledger is away, and says so', async () => {
  await using system = await createTestSystem();
  const store = openLedgerStore(system.db);
  await receive(store, aDelivery());
  const away = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:9'), { code: 'ECONNREFUSED' });
  const leaving: LedgerStore = {
    ...store,
    deliveryOfStoredEvent: async () => {
      throw away;
    },
  };
  await expect(sweepLater(system, leaving)).rejects.toBe(away);
});

test('a worker counts what its sweeps cannot mend', async () => {
  await using system = await createTestSystem('redis', { SWEEP_MS: '200', SWEEP_GRACE_MS: '100' });
  await using sealing = openSealing(system);
  const delivery = aDelivery();
  await receive(openLedgerStore(sealing), delivery);
  const worker = await system.startWorker();
  const line = await worker.waitForLine(/"an event could not be mended/);
  expect(JSON.parse(line.input)).toMatchObject({ jobId: jobIdOf(delivery), code: 'payload_key_unknown' });
  const metrics = await (await fetch(`${worker.healthUrl}/metrics`)).text();
  expect(metrics).toMatch(/penstock_swept_total\{outcome="failed"[^}]*\} [1-9]/);
});

/** What is stored by way of it is sealed with a key that no worker has. */
function openSealing(system: TestSystem) {
  const payloadKeys: PayloadKeys = {
    active: 'gone',
    keys: new Map([['gone', randomBytes(32)]]),
    newNonce: () => randomBytes(12),
  };
  const url = system.environment['DATABASE_URL'] ?? '';
  return openDatabase({ url, poolMax: 1, applicationName: 'test', payloadKeys });
}

/** Entered and stored, as one whose job the queue has lost. */
function receive(store: LedgerStore, delivery: Delivery): Promise<void> {
  return store.transaction(async (tx) => {
    const { id } = await tx.enterLedger(delivery);
    await storeDelivery(tx, delivery, id);
  });
}

/** Long after all that was done here. */
function sweepLater(system: TestSystem, store: LedgerStore) {
  const now = () => new Date(Date.now() + 60_000);
  return sweep({ store, queue: system.queue, now, newId: randomUUID, graceMs: 1_000 });
}

/** As a queue that gives its jobs up by itself. */
async function failAll(system: TestSystem): Promise<void> {
  const { waiting } = await system.queue.counts();
  await using _consumer = consumeWebhooks({
    location: system.queue.location,
    concurrency: 1,
    lockMs: 5_000,
    attempt: async () => ({ kind: 'dead', error: new Error('given up') }),
    onAbandoned: async () => undefined,
    onError: () => undefined,
  });
  await until(async () => (await system.queue.counts()).failed === waiting, { what: 'the jobs to be dead' });
}
