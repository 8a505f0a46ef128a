import { maskText } from '@penstock/core/masking/mask-text';
import { sql } from 'kysely';
import type { Connection, LedgerDatabase } from './database.ts';

/** A message on its way to one destination. */
export interface OutboxDelivery {
  readonly id: number;
  readonly outboxId: number;
  readonly destination: string;
  readonly orderKey: string | null;
  readonly state: 'pending' | 'queued' | 'delivered' | 'dead';
  readonly attempts: number;
  /** Of the event that it tells of. */
  readonly requestId: string;
  readonly traceparent: string | null;
  /** Since when it has been untouched while something that must arrive before it has not ended; null where nothing is. */
  readonly behindMs: number | null;
}

/**
 * Hands over what was promised and is not queued, oldest first, and marks it
 * queued. Rows that another relay has in hand are left to it. Where `enqueue`
 * fails nothing is marked; where the process dies after it, it is handed over
 * again, and the queue knows the id.
 */
export async function relayPending(
  db: LedgerDatabase,
  options: { readonly limit: number; readonly enqueue: (ids: readonly number[]) => Promise<void> },
): Promise<number> {
  return db.transaction().execute(async (tx) => {
    const rows = await tx
      .selectFrom('outbox_deliveries')
      .select('id')
      .where('state', '=', 'pending')
      .orderBy('id')
      .limit(options.limit)
      .forUpdate()
      .skipLocked()
      .execute();
    const ids = rows.map(({ id }) => id);
    if (ids.length === 0) return 0;
    await options.enqueue(ids);
    await tx
      .updateTable('outbox_deliveries')
      .set({ state: 'queued', touched_at: sql<Date>`now()` })
      .where('id', 'in', ids)
      .execute();
    return ids.length;
  });
}

/** Those queued and untouched since then: their jobs may be lost. Oldest first. */
export async function restingDeliveries(
  db: Connection,
  range: { readonly before: Date; readonly limit: number },
): Promise<readonly number[]> {
  const rows = await db
    .selectFrom('outbox_deliveries')
    .select('id')
    .where('state', '=', 'queued')
    .where('touched_at', '<', range.before)
    .orderBy('touched_at')
    .limit(range.limit)
    .execute();
  return rows.map(({ id }) => id);
}

/** Marks that somebody has looked after these just now. */
export async function touchDeliveries(db: Connection, ids: readonly number[]): Promise<void> {
  if (ids.length === 0) return;
  await db
    .updateTable('outbox_deliveries')
    .set({ touched_at: sql<Date>`now()` })
    .where('id', 'in', [...ids])
    .execute();
}

/** A delivery, and whether its turn has come among those that arrive in order: what every look at a message asks. */
export async function findDelivery(db: Connection, id: number): Promise<OutboxDelivery | undefined> {
  const row = await db
    .selectFrom('outbox_deliveries as delivery')
    .innerJoin('outbox', 'outbox.id', 'delivery.outbox_id')
    .innerJoin('ledger', 'ledger.id', 'outbox.ledger_id')
    .select(['delivery.id', 'delivery.outbox_id', 'delivery.destination', 'delivery.order_key', 'delivery.state'])
    .select(['delivery.attempts', 'ledger.request_id', 'ledger.traceparent'])
    .select(
      sql<number | null>`case when exists (
        select from outbox_deliveries as earlier
        where earlier.destination = delivery.destination and earlier.order_key = delivery.order_key
          and earlier.order_key is not null and earlier.finished_at is null and earlier.id < delivery.id)
        then extract(epoch from clock_timestamp() - delivery.touched_at)::float8 * 1000 end`.as('behind_ms'),
    )
    .where('delivery.id', '=', id)
    .executeTakeFirst();
  return row === undefined
    ? undefined
    : {
        id: row.id,
        outboxId: row.outbox_id,
        destination: row.destination,
        orderKey: row.order_key,
        state: row.state,
        attempts: row.attempts,
        requestId: row.request_id,
        traceparent: row.traceparent,
        behindMs: row.behind_ms,
      };
}

/** Records an attempt: what was answered, or why nothing was, and what follows. */
export async function recordDeliveryAttempt(
  db: Connection,
  id: number,
  attempt: {
    readonly state: 'queued' | 'delivered' | 'dead';
    readonly status: number | null;
    readonly error: string | null;
  },
): Promise<void> {
  await db
    .updateTable('outbox_deliveries')
    .set({
      state: attempt.state,
      attempts: sql<number>`attempts + 1`,
      last_status: attempt.status,
      last_error: attempt.error === null ? null : maskText(attempt.error).slice(0, 500),
      touched_at: sql<Date>`now()`,
      finished_at: attempt.state === 'queued' ? null : sql<Date>`now()`,
    })
    .where('id', '=', id)
    .execute();
}

/** When the oldest message that has not ended was promised; null where there is none. Looks at an index's end. */
export async function oldestUndelivered(db: Connection): Promise<Date | null> {
  const { rows } = await sql<{ at: Date | null }>`
    select least(
      (select created_at from outbox_deliveries where state = 'pending' order by id limit 1),
      (select touched_at from outbox_deliveries where state = 'queued' order by touched_at limit 1)) as at`.execute(db);
  return rows[0]?.at ?? null;
}
