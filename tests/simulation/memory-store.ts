import { jobIdOf, type Delivery } from '@penstock/core/delivery';
import type { Failure } from '@penstock/core/failure';
import type { LedgerTransaction } from '@penstock/db/database';
import type { EventTransaction, LedgerStore } from '@penstock/db/ledger-store';
import { applyFactsInMemory } from './memory-facts.ts';
import type { MemoryRows, MemoryTables, MemoryTransaction } from './memory-tables.ts';

/** The store is away; as PostgreSQL's driver has it, a fault of nobody's. */
export class StoreAway extends Error {
  override name = 'StoreAway';
}

/** One process's way to the ledger in memory. */
export interface MemoryStore extends LedgerStore {
  /** The process is gone: what it had not committed is taken back, and its locks are given up. */
  readonly abandon: () => void;
}

/** What a memory store takes from its world. */
export interface MemoryStoreOptions {
  readonly now: () => Date;
  /** Awaited at every question and around every commit; where it throws StoreAway, the store is. */
  readonly effect: (name: string) => Promise<void>;
  /** Handed to handlers in PostgreSQL's place; they write to the outbox alone. */
  readonly handlerTx: LedgerTransaction;
}

/** The ledger store's promises kept in memory, over tables that several processes share. */
export function openMemoryStore(tables: MemoryTables, options: MemoryStoreOptions): MemoryStore {
  const { effect } = options;
  const open = new Set<MemoryTransaction>();
  const reading = async (name: string): Promise<MemoryTransaction> => {
    await effect(name);
    return tables.begin();
  };

  return {
    transaction: async (work) => {
      const tx = tables.begin();
      open.add(tx);
      try {
        const result = await work(eventTransactionInMemory(tx, tables, options));
        await effect('commit');
        tx.commit();
        open.delete(tx);
        await effect('committed');
        return result;
      } finally {
        if (open.delete(tx)) tx.rollback();
      }
    },
    exclusively: async (name, work) => {
      await effect(name);
      if (exclusive.get(tables)?.has(name) === true) return null;
      const held = exclusive.get(tables) ?? new Map<string, MemoryTransaction>();
      exclusive.set(tables, held);
      const tx = { ...tables.begin(), rollback: () => void held.delete(name) };
      held.set(name, tx);
      open.add(tx);
      try {
        return await work();
      } finally {
        if (open.delete(tx)) tx.rollback();
      }
    },
    isOutage: (thrown) => thrown instanceof StoreAway,
    isMonthMissing: () => false,
    createMonthsOf: async () => [],
    findConfirmation: async (key) => {
      const row = findLedger(await reading('findConfirmation'), key);
      if (row === undefined) return undefined;
      return {
        state: row.state,
        bodySha256: row.bodySha256,
        answer: tables.committed.confirmations.get(String(row.id)) ?? null,
      };
    },
    findTransmission: async ({ account, transmissionId }) =>
      (await reading('findTransmission')).get('transmissions', `${account} ${transmissionId}`),
    findDeath: async (key) => {
      const row = findLedger(await reading('findDeath'), key);
      return row?.state === 'dead' && row.failure !== null ? row.failure : undefined;
    },
    ledgerStandingOf: async (key) => findLedger(await reading('ledgerStandingOf'), key),
    unfinishedEvents: async ({ before, afterId, limit }) =>
      (await reading('unfinishedEvents'))
        .all('ledger')
        .map(([, row]) => row)
        .filter((row) => row.state === 'received' && row.touchedAt < before && row.id > afterId)
        .toSorted((one, other) => one.id - other.id)
        .slice(0, limit),
    latestDeaths: async ({ before, after, limit }) =>
      (await reading('latestDeaths'))
        .all('ledger')
        .flatMap(([, { id, jobId, state, finishedAt }]) =>
          state === 'dead' && finishedAt !== null && finishedAt < before ? [{ id, jobId, finishedAt }] : [],
        )
        .toSorted((one, other) => other.finishedAt.getTime() - one.finishedAt.getTime() || other.id - one.id)
        .filter(
          ({ id, finishedAt }) =>
            after === null ||
            finishedAt < after.finishedAt ||
            (finishedAt.getTime() === after.finishedAt.getTime() && id < after.id),
        )
        .slice(0, limit),
    deliveryOfStoredEvent: async (ledgerId, deliveryId) => {
      const stored = (await reading('deliveryOfStoredEvent')).get('events', String(ledgerId));
      if (stored === undefined) throw new Error(`event ${ledgerId} is not stored`);
      return { ...stored, deliveryId, origin: 'sweep' };
    },
    endTrial: async (id) => {
      const tx = await reading('endTrial');
      tx.remove('crashes', String(id));
      tx.commit();
    },
    abandon: () => {
      for (const tx of open) tx.rollback();
      open.clear();
    },
  };
}

/** Who is at work under which name, for each world. */
const exclusive = new WeakMap<MemoryTables, Map<string, MemoryTransaction>>();

type LedgerRow = MemoryRows['ledger'];

function findLedger(tx: MemoryTransaction, key: { readonly account: string; readonly eventId: string }) {
  return tx.get('ledger', `${key.account} ${key.eventId}`);
}

function eventTransactionInMemory(
  tx: MemoryTransaction,
  { nextId }: MemoryTables,
  { now, effect, handlerTx }: MemoryStoreOptions,
): EventTransaction {
  const rowOf = (id: number): readonly [string, LedgerRow] => {
    const found = tx.all('ledger').find(([, row]) => row.id === id);
    if (found === undefined) throw new Error(`the ledger has no row ${id}`);
    return found;
  };
  const change = async (id: number, fields: Partial<LedgerRow>): Promise<void> => {
    const [key, row] = rowOf(id);
    const { failure = row.failure } = fields;
    const firstFailure = row.firstFailure ?? failure;
    tx.put('ledger', key, { ...row, attempts: row.attempts + 1, touchedAt: now(), firstFailure, ...fields });
  };
  const failed = (failure: Failure) => ({ failure });

  return {
    enterLedger: async (delivery) => {
      await effect('enterLedger');
      const key = `${delivery.account} ${delivery.eventId}`;
      await tx.lock(`ledger ${key}`);
      const found = tx.get('ledger', key);
      if (found !== undefined) return { id: found.id, state: found.state, bodySha256: found.bodySha256, isNew: false };
      const row = newRow(delivery, { id: nextId(), now: now() });
      tx.put('ledger', key, row);
      return { id: row.id, state: 'received', bodySha256: row.bodySha256, isNew: true };
    },
    finishLedger: async (id, state) => {
      await effect('finishLedger');
      await change(id, { state, finishedAt: now() });
    },
    recordFailure: async (id, failure) => {
      await effect('recordFailure');
      await change(id, { state: 'received', finishedAt: null, reason: null, ...failed(failure) });
    },
    recordDeath: async (id, { failure, reason }) => {
      await effect('recordDeath');
      await change(id, { state: 'dead', finishedAt: now(), reason, ...failed(failure) });
    },
    recordAttempt: async ({ ledgerId, number, failure }) => {
      await effect('recordAttempt');
      tx.put('attempts', String(nextId()), { ledgerId, number, code: failure.code });
    },
    recordDelivery: () => effect('recordDelivery'),
    recordCollision: async ({ ledgerId, kind, delivery }) => {
      await effect('recordCollision');
      const { eventId, bodySha256 } = delivery;
      tx.put('collisions', `${ledgerId} ${kind} ${eventId} ${bodySha256}`, { ledgerId, kind, bodySha256 });
    },
    storeEvent: async (id, delivery) => {
      await effect('storeEvent');
      if (tx.get('events', String(id)) === undefined) tx.put('events', String(id), delivery);
    },
    storedBody: async (id) => {
      await effect('storedBody');
      const stored = tx.get('events', String(id));
      return stored === undefined ? null : Buffer.from(stored.body.data, stored.body.encoding);
    },
    storeConfirmation: async ({ ledgerId, answer }) => {
      await effect('storeConfirmation');
      if (tx.get('confirmations', String(ledgerId)) === undefined) tx.put('confirmations', String(ledgerId), answer);
    },
    findTransmission: async ({ account, transmissionId }) => {
      await effect('findTransmission');
      return tx.get('transmissions', `${account} ${transmissionId}`);
    },
    bindTransmission: async ({ account, transmissionId, bodySha256, ledgerId }) => {
      await effect('bindTransmission');
      const key = `${account} ${transmissionId}`;
      await tx.lock(`transmission ${key}`);
      if (tx.get('transmissions', key) !== undefined) return false;
      tx.put('transmissions', key, { ledgerId, bodySha256 });
      return true;
    },
    applyFacts: async (source) => {
      await effect('applyFacts');
      return applyFactsInMemory(tx, source, nextId);
    },
    handlerRunsOf: async (ledgerId) => {
      await effect('handlerRunsOf');
      const runs = tx.all('runs').flatMap(([, run]) => (run.ledgerId === ledgerId ? [run] : []));
      return new Map(runs.map(({ handler, state, failure }) => [handler, { handler, state, failure }]));
    },
    recordHandlerRuns: async (ledgerId, attempts) => {
      await effect('recordHandlerRuns');
      for (const { handler, state, failure } of attempts)
        tx.put('runs', `${ledgerId} ${handler}`, { ledgerId, handler, state, failure });
    },
    askedHandlersOf: async () => {
      await effect('askedHandlersOf');
      return new Set();
    },
    strikeAskedHandlers: () => effect('strikeAskedHandlers'),
    addToOutbox: async (message) => {
      await effect('addToOutbox');
      tx.put('outbox', String(nextId()), message);
    },
    countCrashes: async (ledgerId) => {
      await effect('countCrashes');
      const [, row] = rowOf(ledgerId);
      const since = row.state === 'dead' ? (row.finishedAt ?? now()) : new Date(0);
      return tx.all('crashes').filter(([, crash]) => crash.ledgerId === ledgerId && crash.startedAt > since).length;
    },
    beginTrial: async ({ ledgerId }) => {
      await effect('beginTrial');
      const id = nextId();
      tx.put('crashes', String(id), { ledgerId, startedAt: now() });
      return id;
    },
    underSavepoint: async ({ refuse }, work) => {
      await effect('savepoint');
      const takeBack = tx.savepoint();
      // A connection takes its statements in turn: what was sent before the roll-back is taken back with the rest.
      let isOpen = true;
      try {
        await work({
          tx: handlerTx,
          addToOutbox: async (message) => {
            refuse();
            await effect('addToOutbox');
            if (isOpen) tx.put('outbox', String(nextId()), message);
          },
        });
        return { kind: 'kept' };
      } catch (thrown) {
        if (thrown instanceof StoreAway) throw thrown;
        takeBack();
        return { kind: 'taken back', thrown };
      } finally {
        isOpen = false;
      }
    },
  };
}

function newRow(delivery: Delivery, { id, now }: { readonly id: number; readonly now: Date }): LedgerRow {
  const { account, eventId, bodySha256 } = delivery;
  return {
    id,
    account,
    eventId,
    jobId: jobIdOf(delivery),
    bodySha256,
    state: 'received',
    attempts: 0,
    touchedAt: now,
    finishedAt: null,
    failure: null,
    firstFailure: null,
    reason: null,
  };
}
