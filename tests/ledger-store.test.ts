import { describe, expect, test } from 'vitest';
import { TransientError, toFailure } from '@penstock/core/failure';
import { providerNamed } from '@penstock/core/providers/registry';
import { openLedgerStore, type EventTransaction, type LedgerStore } from '@penstock/db/ledger-store';
import { createTestDatabase } from '@penstock/db/testing/test-database';
import { testPostgresUrl } from '@penstock/local/test-services';
import { aDelivery } from './harness/deliveries.ts';
import { openMemoryStore } from './simulation/memory-store.ts';
import { createMemoryTables } from './simulation/memory-tables.ts';
import { nobodysTransaction } from './simulation/run.ts';

const failure = toFailure(new TransientError('handler_failed', 'not this time'));
const later = (): Date => new Date(Date.now() + 3_600_000);

/** The conformance suite of the ledger's port: PostgreSQL, and the memory of the simulation. */
describe.each(['postgres', 'memory'] as const)('the ledger in %s', (kind) => {
  test('an event is entered once, and found by the next with its state and its body', async () => {
    await using own = await storeUnderTest(kind);
    const delivery = aDelivery();
    const first = await own.store.transaction((tx) => tx.enterLedger(delivery));
    expect(first).toMatchObject({ state: 'received', isNew: true, bodySha256: delivery.bodySha256 });
    await own.store.transaction((tx) => tx.finishLedger(first.id, 'processed'));
    const second = await own.store.transaction((tx) => tx.enterLedger({ ...delivery, bodySha256: 'f'.repeat(64) }));
    expect(second).toEqual({ id: first.id, state: 'processed', bodySha256: delivery.bodySha256, isNew: false });
  });

  test('nothing of a transaction that rejects stays, and what it rejected with is passed on', async () => {
    await using own = await storeUnderTest(kind);
    const delivery = aDelivery({ transmissionId: 'transmission-1' });
    const broken = own.store.transaction(async (tx) => {
      await storeWhole(tx, delivery);
      throw new Error('broken');
    });
    await expect(broken).rejects.toThrow('broken');
    expect(await own.store.ledgerStandingOf(delivery)).toBeUndefined();
    expect(
      await own.store.findTransmission({ account: delivery.account, transmissionId: 'transmission-1' }),
    ).toBeUndefined();
  });

  test('nobody sees what is not committed; a second transaction with the event waits, and then sees it', async () => {
    await using own = await storeUnderTest(kind);
    const delivery = aDelivery();
    const gate = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const first = own.store.transaction(async (tx) => {
      const { id } = await tx.enterLedger(delivery);
      entered.resolve();
      await gate.promise;
      await tx.finishLedger(id, 'processed');
    });
    await entered.promise;
    expect(await own.store.ledgerStandingOf(delivery)).toBeUndefined();
    let seen: string | undefined;
    const second = own.store.transaction(async (tx) => void (seen = (await tx.enterLedger(delivery)).state));
    // A question that is asked after it and answered: the second had its time.
    await own.store.ledgerStandingOf(delivery);
    expect(seen).toBeUndefined();
    gate.resolve();
    await Promise.all([first, second]);
    expect(seen).toBe('processed');
  });

  test('work under a savepoint that throws takes back what it wrote, and nothing else', async () => {
    await using own = await storeUnderTest(kind);
    const delivery = aDelivery();
    const outcomes = await own.store.transaction(async (tx) => {
      const { id } = await tx.enterLedger(delivery);
      const limits = { timeoutMs: 1_000, refuse: () => undefined };
      const message = { ledgerId: id, kind: 'message' as const, key: 'k', payload: null, destinations: [] };
      const kept = await tx.underSavepoint(limits, ({ addToOutbox }) => addToOutbox({ ...message, topic: 'kept' }));
      const back = await tx.underSavepoint(limits, async ({ addToOutbox }) => {
        await addToOutbox({ ...message, topic: 'taken back' });
        throw new Error('no');
      });
      const refused = await tx.underSavepoint(
        {
          ...limits,
          refuse: () => {
            throw new Error('late');
          },
        },
        ({ addToOutbox }) => addToOutbox({ ...message, topic: 'refused' }),
      );
      return [kept.kind, back.kind, refused.kind];
    });
    expect(outcomes).toEqual(['kept', 'taken back', 'taken back']);
    expect(await own.topics()).toEqual(['kept']);
    expect(await own.store.ledgerStandingOf(delivery)).toMatchObject({ state: 'received' });
  });

  test("a database that is not the ledger may be away under a savepoint: what it says is the work's own failure", async () => {
    await using own = await storeUnderTest(kind);
    const delivery = aDelivery();
    const outcome = await own.store.transaction(async (tx) => {
      await tx.enterLedger(delivery);
      return tx.underSavepoint({ timeoutMs: 1_000, refuse: () => undefined }, async () => {
        throw new Error('Connection terminated unexpectedly');
      });
    });
    expect(outcome).toMatchObject({ kind: 'taken back' });
    expect(await own.store.ledgerStandingOf(delivery)).toMatchObject({ state: 'received' });
  });

  test('a transmission is bound to one body for ever', async () => {
    await using own = await storeUnderTest(kind);
    const delivery = aDelivery({ transmissionId: 'transmission-1' });
    const { account, bodySha256 } = delivery;
    const ledgerId = await own.store.transaction((tx) => storeWhole(tx, delivery));
    const key = { account, transmissionId: 'transmission-1' };
    expect(
      await own.store.transaction((tx) => tx.bindTransmission({ ...key, ledgerId, bodySha256: 'f'.repeat(64) })),
    ).toBe(false);
    expect(await own.store.findTransmission(key)).toEqual({ ledgerId, bodySha256 });
  });

  test('failures, deaths and what became of handlers are told as they were recorded', async () => {
    await using own = await storeUnderTest(kind);
    const delivery = aDelivery();
    const id = await own.store.transaction(async (tx) => {
      const ledgerId = await storeWhole(tx, delivery);
      await tx.recordFailure(ledgerId, failure);
      const run = { version: 1, durationMs: 1 };
      await tx.recordHandlerRuns(ledgerId, [
        { ...run, handler: 'one', state: 'done', failure: null },
        { ...run, handler: 'two', state: 'failed', failure },
      ]);
      return ledgerId;
    });
    const range = { before: later(), afterId: 0, limit: 10 };
    expect((await own.store.unfinishedEvents(range)).map((event) => event.id)).toEqual([id]);
    expect(await own.store.unfinishedEvents({ ...range, before: new Date(0) })).toEqual([]);
    expect(await own.store.findDeath(delivery)).toBeUndefined();
    const runs = await own.store.transaction((tx) => tx.handlerRunsOf(id));
    expect([...runs.values()].map(({ handler, state }) => `${handler} ${state}`).toSorted()).toEqual([
      'one done',
      'two failed',
    ]);

    await own.store.transaction((tx) => tx.recordDeath(id, { failure, reason: 'retries_exhausted' }));
    expect(await own.store.findDeath(delivery)).toMatchObject({ code: 'handler_failed', message: 'not this time' });
    const [dead] = await own.store.latestDeaths({ before: later(), after: null, limit: 10 });
    expect(dead).toMatchObject({ id, jobId: `stripe.${delivery.eventId}` });
    expect(await own.store.latestDeaths({ before: later(), after: dead ?? null, limit: 10 })).toEqual([]);
    expect(await own.store.unfinishedEvents(range)).toEqual([]);
  });

  test('a stored event makes a delivery again, as it came but for its id and its origin', async () => {
    await using own = await storeUnderTest(kind);
    const delivery = aDelivery();
    const id = await own.store.transaction((tx) => storeWhole(tx, delivery));
    const { deliveryId } = aDelivery();
    expect(await own.store.deliveryOfStoredEvent(id, deliveryId)).toEqual({ ...delivery, deliveryId, origin: 'sweep' });
    expect(await own.store.transaction((tx) => tx.storedBody(id))).toEqual(Buffer.from(delivery.body.data));
  });

  test('trials that nobody struck out are counted, since the last death', async () => {
    await using own = await storeUnderTest(kind);
    const id = await own.store.transaction((tx) => storeWhole(tx, aDelivery()));
    const begin = () => own.store.transaction((tx) => tx.beginTrial({ ledgerId: id, worker: 'w' }));
    const count = () => own.store.transaction((tx) => tx.countCrashes(id));
    await begin();
    await own.store.endTrial(await begin());
    expect(await count()).toBe(1);
    await own.store.transaction((tx) => tx.recordDeath(id, { failure, reason: 'poison' }));
    expect(await count()).toBe(0);
  });

  test('facts make the same payments in any order, and however often they are applied', async () => {
    const charges = [aCharge('ch_1', 0), aCharge('ch_1', 300), aCharge('ch_2', 0)];
    const folds: unknown[] = [];
    for (const order of [charges, charges.toReversed(), [...charges, ...charges]]) {
      await using own = await storeUnderTest(kind);
      const last = new Map<string, unknown>();
      for (const delivery of order) {
        const applied = await own.store.transaction((tx) => applyCharge(tx, delivery));
        for (const { payment, refunds } of applied.payments) last.set(payment.id, { payment, refunds });
      }
      folds.push([...last].toSorted(([one], [other]) => one.localeCompare(other)));
    }
    expect(folds[1]).toEqual(folds[0]);
    expect(folds[2]).toEqual(folds[0]);
  });

  test('what one process of the fleet does at a time is refused to a second, and free once it has ended', async () => {
    await using own = await storeUnderTest(kind);
    const both = await own.store.exclusively('sweep', () => own.store.exclusively('sweep', async () => 'second'));
    expect(both).toBeNull();
    expect(await own.store.exclusively('sweep', async () => 'free')).toBe('free');
  });
});

async function storeWhole(tx: EventTransaction, delivery: ReturnType<typeof aDelivery>): Promise<number> {
  const { id } = await tx.enterLedger(delivery);
  await tx.storeEvent(id, delivery);
  const { account, transmissionId, bodySha256 } = delivery;
  if (transmissionId !== null) await tx.bindTransmission({ account, transmissionId, bodySha256, ledgerId: id });
  return id;
}

function aCharge(id: string, refunded: number) {
  const object = {
    id,
    object: 'charge',
    amount: 1_000,
    amount_captured: 1_000,
    amount_refunded: refunded,
    captured: true,
    currency: 'usd',
    paid: true,
    refunded: false,
    status: 'succeeded',
    payment_intent: null,
  };
  const type = refunded === 0 ? 'charge.succeeded' : 'charge.refunded';
  const event = { object: 'event', type, created: 1_790_000_000 + refunded, livemode: false, data: { object } };
  return aDelivery({
    type,
    eventId: `evt_${id}_${refunded}`,
    text: JSON.stringify({ ...event, id: `evt_${id}_${refunded}` }),
  });
}

async function applyCharge(tx: EventTransaction, delivery: ReturnType<typeof aDelivery>) {
  const ledgerId = await storeWhole(tx, delivery);
  const { account, provider, eventId } = delivery;
  const facts = providerNamed('stripe')?.translate(Buffer.from(delivery.body.data)) ?? [];
  expect(facts.length).toBeGreaterThan(0);
  return tx.applyFacts({
    eventId: ledgerId,
    account,
    provider,
    facts: facts.map((fact, ordinal) => ({ eventId, ordinal, fact })),
  });
}

interface StoreUnderTest extends AsyncDisposable {
  readonly store: LedgerStore;
  /** Of the messages that are committed. */
  readonly topics: () => Promise<readonly string[]>;
}

async function storeUnderTest(kind: 'postgres' | 'memory'): Promise<StoreUnderTest> {
  if (kind === 'postgres') {
    const database = await createTestDatabase(testPostgresUrl());
    return {
      store: openLedgerStore(database.db),
      topics: async () =>
        (await database.db.selectFrom('outbox').select('topic').orderBy('id').execute()).map(({ topic }) => topic),
      [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
    };
  }
  const tables = createMemoryTables();
  const handlerTx = await nobodysTransaction();
  return {
    store: openMemoryStore(tables, { now: () => new Date(), effect: async () => undefined, handlerTx }),
    topics: async () => [...tables.committed.outbox.values()].map(({ topic }) => topic),
    [Symbol.asyncDispose]: async () => undefined,
  };
}
