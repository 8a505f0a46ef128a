import { sql } from 'kysely';
import { decodeBody, type Delivery } from '@penstock/core/delivery';
import type { Handler } from '@penstock/core/handler';
import type { KeyedFact } from '@penstock/core/payment';
import { canonicalType } from '@penstock/core/payment-event';
import type { Provider } from '@penstock/core/provider';
import type { LedgerDatabase, LedgerTransaction } from '@penstock/db/database';
import { eventTransaction } from '@penstock/db/ledger-store';
import { factsOf, type WorkerEndpoint } from './confirm-delivery.ts';
import { coveringHandlers, runHandlers, type HandlerOutcome, type HandlerWorld } from './run-handlers.ts';
import { storeDelivery } from './store-delivery.ts';

/** What a handler did to one event, all of it taken back. */
export interface Rehearsal {
  /** False where the handler's pattern does not cover the event: it was run all the same. */
  readonly covered: boolean;
  readonly facts: readonly string[];
  readonly payments: readonly { readonly id: string; readonly status: string }[];
  readonly outcome: HandlerOutcome;
  /** Rows written by table, the outbox aside. */
  readonly tables: readonly TableChange[];
  readonly messages: readonly { readonly topic: string; readonly key: string; readonly payload: unknown }[];
}

interface TableChange {
  readonly table: string;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
}

/**
 * Applies an event and runs one handler on it in a transaction that is always
 * rolled back. `onHandler` is told when the handler's own statements begin and end.
 */
export async function rehearseHandler(
  db: LedgerDatabase,
  given: {
    readonly delivery: Delivery;
    readonly provider: Provider;
    readonly endpoint: WorkerEndpoint | undefined;
    readonly handler: Handler<LedgerTransaction>;
    /** What the provider's API said of the event, where it is stored. */
    readonly answer: Buffer | null;
    readonly onHandler: (moment: 'begins' | 'ended') => void;
  },
  world: Omit<HandlerWorld, 'handlers'>,
): Promise<Rehearsal> {
  const { delivery, provider, handler, answer } = given;
  const tx = await db.startTransaction().execute();
  try {
    const event = eventTransaction(tx);
    const entry = await event.enterLedger(delivery);
    await storeDelivery(event, delivery, entry.id);
    const facts = factsOf(
      { tier: delivery.tier, body: decodeBody(delivery.body) },
      { provider, settings: given.endpoint?.settings, answer },
    );
    const keyed: KeyedFact[] = facts.map((fact, ordinal) => ({ eventId: delivery.eventId, ordinal, fact }));
    const { account } = delivery;
    const applied = await event.applyFacts({ eventId: entry.id, account, provider: provider.id, facts: keyed });
    const input = { delivery, ledgerId: entry.id, facts, applied, answer };

    const before = await tableChanges(tx);
    const messagesBefore = await lastMessage(tx);
    given.onHandler('begins');
    const [outcome] = await runHandlers(event, { input, handlers: [handler] }, { ...world, handlers: [handler] });
    given.onHandler('ended');
    if (outcome === undefined) throw new Error('the handler was not run');
    return {
      covered: coveringHandlers(input, [handler]).length > 0,
      facts: facts.map(canonicalType),
      payments: applied.payments.map(({ payment }) => ({ id: payment.id, status: payment.status })),
      outcome,
      tables: difference(before, await tableChanges(tx)),
      messages: await messagesAfter(tx, messagesBefore),
    };
  } finally {
    await tx.rollback().execute();
  }
}

/** What this transaction has done to each table so far; PostgreSQL counts what a savepoint takes back as well. */
async function tableChanges(tx: LedgerTransaction): Promise<readonly TableChange[]> {
  const { rows } = await sql<{ table: string; inserted: string; updated: string; deleted: string }>`
    select relname as table, n_tup_ins::text as inserted, n_tup_upd::text as updated, n_tup_del::text as deleted
    from pg_stat_xact_user_tables where relname <> 'outbox'`.execute(tx);
  return rows.map((row) => ({
    table: row.table,
    inserted: Number(row.inserted),
    updated: Number(row.updated),
    deleted: Number(row.deleted),
  }));
}

function difference(before: readonly TableChange[], after: readonly TableChange[]): readonly TableChange[] {
  return after
    .map((now) => {
      const then = before.find(({ table }) => table === now.table);
      return {
        table: now.table,
        inserted: now.inserted - (then?.inserted ?? 0),
        updated: now.updated - (then?.updated ?? 0),
        deleted: now.deleted - (then?.deleted ?? 0),
      };
    })
    .filter(({ inserted, updated, deleted }) => inserted + updated + deleted > 0);
}

async function lastMessage(tx: LedgerTransaction): Promise<number> {
  const { rows } = await sql<{ id: number | null }>`select max(id) as id from outbox`.execute(tx);
  return rows[0]?.id ?? 0;
}

async function messagesAfter(tx: LedgerTransaction, id: number): Promise<Rehearsal['messages']> {
  return tx.selectFrom('outbox').select(['topic', 'key', 'payload']).where('id', '>', id).orderBy('id').execute();
}
