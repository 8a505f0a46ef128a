import { sql } from 'kysely';
import type { LedgerDatabase } from './database.ts';

/** How many rows went, by table. */
export type PrunedRows = Readonly<Record<'handler_runs' | 'outbox' | 'outbox_deliveries', number>>;

/** One transaction's worth: some tens of milliseconds. */
const BATCH_ROWS = 5_000;

/**
 * Deletes what is written beside events that were finished before then: which
 * handlers ran, what was sent. Of an event that is not finished, is dead, or
 * has a message on its way, everything stays. In batches, each from where the
 * last ended, until it meets what is not old enough.
 */
export async function pruneFinished(
  db: LedgerDatabase,
  options: { readonly before: Date; readonly signal?: AbortSignal },
): Promise<PrunedRows> {
  const messages = await inBatches(options, (afterId) => pruneOutbox(db, { before: options.before, afterId }));
  const runs = await inBatches(options, (afterId) => pruneHandlerRuns(db, { before: options.before, afterId }));
  return { outbox: messages.gone, outbox_deliveries: messages.alsoGone, handler_runs: runs.gone };
}

interface Batch {
  /** The last that was looked at; null where there is nothing more, or nothing more that is old enough. */
  readonly lastId: number | null;
  readonly gone: number;
  readonly alsoGone: number;
}

async function inBatches(
  options: { readonly signal?: AbortSignal },
  prune: (afterId: number) => Promise<Batch>,
): Promise<{ readonly gone: number; readonly alsoGone: number }> {
  let [gone, alsoGone] = [0, 0];
  let afterId: number | null = 0;
  while (afterId !== null && options.signal?.aborted !== true) {
    const batch: Batch = await prune(afterId);
    gone += batch.gone;
    alsoGone += batch.alsoGone;
    afterId = batch.lastId;
  }
  return { gone, alsoGone };
}

async function pruneOutbox(
  db: LedgerDatabase,
  from: { readonly before: Date; readonly afterId: number },
): Promise<Batch> {
  const { rows } = await sql<BatchRow>`
    with batch as materialized (
      select outbox.id, created_at < ${from.before} as old, ledger.state not in ('received', 'dead') as finished
      from outbox join ledger on ledger.id = ledger_id
      where outbox.id > ${from.afterId} order by outbox.id limit ${BATCH_ROWS}),
    going as (
      select id from batch
      where old and finished and not exists (select from outbox_deliveries
                                             where outbox_id = batch.id and state in ('pending', 'queued'))),
    deliveries as (delete from outbox_deliveries using going where outbox_id = going.id returning 1),
    messages as (delete from outbox using going where outbox.id = going.id returning 1)
    select (select max(id) from batch) as last_id, (select coalesce(bool_and(old), false) from batch) as all_old,
           (select count(*)::int from batch) as looked_at,
           (select count(*)::int from messages) as gone, (select count(*)::int from deliveries) as also_gone`.execute(
    db,
  );
  return toBatch(rows[0]);
}

async function pruneHandlerRuns(
  db: LedgerDatabase,
  from: { readonly before: Date; readonly afterId: number },
): Promise<Batch> {
  const { rows } = await sql<BatchRow>`
    with batch as materialized (
      select ledger_id as id, handler, stored_at < ${from.before} as old, ledger.state not in ('received', 'dead') as finished
      from handler_runs join ledger on ledger.id = ledger_id
      where ledger_id > ${from.afterId} order by ledger_id limit ${BATCH_ROWS}),
    runs as (
      delete from handler_runs as run using batch
      where run.ledger_id = batch.id and old and finished returning 1)
    -- One less: the last event may have more handlers than came into the batch.
    select (select max(id) - 1 from batch) as last_id, (select coalesce(bool_and(old), false) from batch) as all_old,
           (select count(*)::int from batch) as looked_at, (select count(*)::int from runs) as gone, 0 as also_gone`.execute(
    db,
  );
  return toBatch(rows[0]);
}

interface BatchRow {
  readonly last_id: number | null;
  readonly all_old: boolean;
  readonly looked_at: number;
  readonly gone: number;
  readonly also_gone: number;
}

function toBatch(row: BatchRow | undefined): Batch {
  if (row === undefined) return { lastId: null, gone: 0, alsoGone: 0 };
  const isLast = row.looked_at < BATCH_ROWS || !row.all_old;
  return { lastId: isLast ? null : row.last_id, gone: row.gone, alsoGone: row.also_gone };
}
