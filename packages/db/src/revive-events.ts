import { sql } from 'kysely';
import type { CanonicalType } from '@penstock/core/payment-event';
import type { LedgerTransaction } from './database.ts';
import type { LedgerState } from './schema.ts';

/** What of an event decides whether, and for which handlers, it is given back to the workers. */
export interface LockedEvent {
  readonly id: number;
  readonly state: LedgerState;
  readonly provider: string;
  /** Null where the event itself is past its retention: there is nothing to run any more. */
  readonly type: string | null;
  readonly canonicalTypes: readonly CanonicalType[];
}

/** Locks the ledger rows of these events; leaves out those that a worker has in hand. */
export async function lockEvents(
  tx: LedgerTransaction,
  ids: readonly number[],
): Promise<ReadonlyMap<number, LockedEvent>> {
  const { rows } = await sql<LockedEvent>`
    select ledger.id, ledger.state, ledger.provider, events.type,
           array(select distinct type from payment_facts where event_id = ledger.id) as "canonicalTypes"
    from ledger left join events on (events.id, events.recorded_at) = (ledger.id, ledger.stored_at)
    where ledger.id = any(${[...ids]}::bigint[])
    order by ledger.id for update of ledger skip locked`.execute(tx);
  return new Map(rows.map((row) => [row.id, row]));
}

/**
 * Makes events `received` again, so that workers take them and the sweeper
 * brings back a job that is lost. Handlers that failed for good are tried anew;
 * those that are done stay done.
 */
export async function reviveEvents(tx: LedgerTransaction, ids: readonly number[]): Promise<void> {
  if (ids.length === 0) return;
  await tx
    .updateTable('ledger')
    .set({ state: 'received', finished_at: null, failure_reason: null, touched_at: sql<Date>`now()` })
    .where('id', 'in', [...ids])
    .execute();
  await tx
    .updateTable('handler_runs')
    .set({ state: 'failed' })
    .where('ledger_id', 'in', [...ids])
    .where('state', '=', 'dead')
    .execute();
}
