import { sql } from 'kysely';
import type { ConflictKind } from '@penstock/core/conflict';
import type { Connection } from './database.ts';
import type { ConflictState } from './schema-conflicts.ts';

/** Which conflicts are meant. */
export interface ConflictFilter {
  readonly state?: ConflictState | undefined;
  readonly kind?: ConflictKind | undefined;
  readonly account?: string | undefined;
}

/** A conflict as people are told of it. */
export type FoundConflict = Awaited<ReturnType<typeof findConflicts>>[number];

/** Newest first, before `beforeId`; at most `limit`. */
export async function findConflicts(
  db: Connection,
  filter: ConflictFilter,
  page: { readonly limit: number; readonly beforeId?: number | undefined },
) {
  let query = selectConflicts(db);
  if (filter.state !== undefined) query = query.where('conflicts.state', '=', filter.state);
  if (filter.kind !== undefined) query = query.where('conflicts.kind', '=', filter.kind);
  if (filter.account !== undefined) query = query.where('conflicts.account', '=', filter.account);
  if (page.beforeId !== undefined) query = query.where('conflicts.id', '<', page.beforeId);
  return query.orderBy('conflicts.id', 'desc').limit(page.limit).execute();
}

/** One conflict, or undefined. */
export async function findConflict(db: Connection, id: number): Promise<FoundConflict | undefined> {
  return selectConflicts(db).where('conflicts.id', '=', id).executeTakeFirst();
}

/** How many are open, by kind. */
export async function countOpenConflicts(db: Connection): Promise<Readonly<Record<ConflictKind, number>>> {
  const rows = await db
    .selectFrom('conflicts')
    .select(['kind', sql<number>`count(*)::int`.as('count')])
    .where('state', '=', 'open')
    .groupBy('kind')
    .execute();
  const none = {
    illegal_transition: 0,
    amounts_disagree: 0,
    missing_parent: 0,
    collision: 0,
    unsigned_disagreement: 0,
  };
  return { ...none, ...Object.fromEntries(rows.map(({ kind, count }) => [kind, count])) };
}

/** Closes an open conflict without asking. False where it was not open. */
export async function dismissConflict(
  db: Connection,
  dismissal: { readonly id: number; readonly by: string; readonly reason: string },
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('conflicts')
    .set({ state: 'dismissed', closed_at: sql<Date>`now()`, closed_by: dismissal.by, close_reason: dismissal.reason })
    .where('id', '=', dismissal.id)
    .where('state', '=', 'open')
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

function selectConflicts(db: Connection) {
  return db
    .selectFrom('conflicts')
    .leftJoin('payments', 'payments.key', 'conflicts.payment_key')
    .leftJoin('ledger as about', 'about.id', 'conflicts.ledger_id')
    .leftJoin('ledger as opener', 'opener.id', 'conflicts.opened_by')
    .leftJoin('ledger as closer', 'closer.id', 'conflicts.closed_by_event')
    .select([
      'conflicts.id',
      'conflicts.account',
      'conflicts.provider',
      'conflicts.kind',
      'conflicts.code',
      'conflicts.detail',
      'conflicts.state',
      'payments.id as payment',
      'about.provider_event_id as event',
      'conflicts.opened_at as openedAt',
      'opener.provider_event_id as openedByEvent',
      'conflicts.closed_at as closedAt',
      'closer.provider_event_id as closedByEvent',
      'conflicts.closed_by as closedBy',
      'conflicts.close_reason as closeReason',
      'conflicts.fetch_state as fetchState',
      'conflicts.fetch_attempts as fetchAttempts',
      'conflicts.fetch_event_id as fetchEvent',
      // Its answer has been applied, and whether it settles the conflict is known.
      sql<boolean>`exists (
        select from ledger as answer where answer.account = conflicts.account
          and answer.provider_event_id = any(string_to_array(conflicts.fetch_event_id, ' '))
          and answer.state in ('processed', 'ignored', 'dead'))`.as('fetchFinished'),
      'conflicts.fetch_error_code as fetchErrorCode',
      'conflicts.fetch_error_message as fetchErrorMessage',
    ]);
}
