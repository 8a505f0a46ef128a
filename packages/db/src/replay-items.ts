import { sql } from 'kysely';
import type { EventFilter, ReplayResult } from '@penstock/core/replay';
import type { Connection, LedgerTransaction } from './database.ts';
import { eventMatches } from './event-filter.ts';
import type { LedgerState } from './schema.ts';

/** Freezes the events that the filter means now; at most `limit`. Returns how many. */
export async function selectItems(
  tx: LedgerTransaction,
  given: { readonly replayId: number; readonly filter: EventFilter; readonly limit: number },
): Promise<number> {
  const { numAffectedRows } = await sql`
    insert into replay_items (replay_id, ledger_id, was, fingerprint)
    select ${given.replayId}, ledger.id, ledger.state, ledger.failure_fingerprint
    from ledger join events on (events.id, events.recorded_at) = (ledger.id, ledger.stored_at)
    where ${eventMatches(given.filter)}
    order by ledger.id limit ${given.limit}`.execute(tx);
  return Number(numAffectedRows ?? 0n);
}

/** An event of a plan that was not moved yet, as it was then. */
export interface PlannedItem {
  readonly ledgerId: number;
  readonly was: LedgerState;
}

/** The next events to be moved, in the order in which they came. */
export async function nextItems(
  db: Connection,
  range: { readonly replayId: number; readonly limit: number },
): Promise<readonly PlannedItem[]> {
  return db
    .selectFrom('replay_items')
    .select(['ledger_id as ledgerId', 'was'])
    .where('replay_id', '=', range.replayId)
    .where('state', '=', 'planned')
    .orderBy('ledger_id')
    .limit(range.limit)
    .execute();
}

/** Marks what became of planned events. */
export async function markItems(
  tx: LedgerTransaction,
  given: { readonly replayId: number; readonly state: 'moved' | 'skipped'; readonly ledgerIds: readonly number[] },
): Promise<void> {
  if (given.ledgerIds.length === 0) return;
  await tx
    .updateTable('replay_items')
    .set({ state: given.state, moved_at: given.state === 'moved' ? sql<Date>`now()` : null })
    .where('replay_id', '=', given.replayId)
    .where('ledger_id', 'in', [...given.ledgerIds])
    .execute();
}

/** How a replay's events stand now. */
export async function countItems(db: Connection, replayId: number): Promise<ReplayResult> {
  const { rows } = await sql<ReplayResult>`
    select (count(*) filter (where item.state = 'planned'))::int as "planned",
           (count(*) filter (where item.state = 'moved'))::int as "moved",
           (count(*) filter (where item.state = 'skipped'))::int as "skipped",
           (count(*) filter (where item.state = 'moved' and ledger.state = 'received'))::int as "underWay",
           (count(*) filter (where item.state = 'moved' and ledger.state in ('processed', 'ignored')))::int as "healed",
           (count(*) filter (where item.state = 'moved' and ledger.state in ('dead', 'discarded')))::int as "dead"
    from replay_items item join ledger on ledger.id = item.ledger_id
    where item.replay_id = ${replayId}`.execute(db);
  return rows[0] ?? { planned: 0, moved: 0, skipped: 0, underWay: 0, healed: 0, dead: 0 };
}

/** Forgets which events a plan meant that was never applied. */
export async function dropItems(tx: LedgerTransaction, replayId: number): Promise<void> {
  await tx.deleteFrom('replay_items').where('replay_id', '=', replayId).where('state', '=', 'planned').execute();
}
