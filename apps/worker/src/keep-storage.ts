import type { LedgerDatabase } from '@penstock/db/database';
import { dropMonth } from '@penstock/db/drop-month';
import { countMonthsAhead, createMonthsAhead, listMonths, type MonthPartition } from '@penstock/db/months';
import { pruneFinished, type PrunedRows } from '@penstock/db/prune-finished';
import { sql } from 'kysely';

/** Months are made a quarter of a year ahead and kept for more than one: an hour late is early. */
export const KEEP_STORAGE_MS = 3_600_000;

const DAY_MS = 86_400_000;

/** What looking after the storage needs of the world. */
export interface StorageWorld {
  readonly db: LedgerDatabase;
  /** By the database's clock: a worker whose own is ahead must drop nothing early. */
  readonly now: () => Promise<Date>;
  /** How long what belongs to finished events is kept; 0: for ever. */
  readonly retentionDays: number;
  readonly signal?: AbortSignal;
}

/** What one look at the storage did, and found. */
export interface StorageKept {
  /** Partitions that were made. */
  readonly created: readonly string[];
  /** Months after this one that every table has. */
  readonly ahead: number;
  /** When the oldest month began; null where there is none. */
  readonly oldest: Date | null;
  /** What retention took; null where nothing is ever dropped, or another worker is at it. */
  readonly retention: Retention | null;
}

export interface Retention {
  readonly dropped: readonly Pick<MonthPartition, 'table' | 'name'>[];
  /** Rows of events that are not finished, or dead, that stayed of the months dropped. */
  readonly rowsKept: number;
  /** Months that others had in use, one a table: the next look tries again, and those after it. */
  readonly busy: readonly string[];
  readonly pruned: PrunedRows;
}

/**
 * Makes the months ahead, and drops those past their retention. Any number of
 * workers may make months at once: they wait for each other, and find it made.
 * One at a time drops.
 */
export async function keepStorage(world: StorageWorld): Promise<StorageKept> {
  const { db } = world;
  const now = await world.now();
  const created = await createMonthsAhead(db, { now });
  const retention = world.retentionDays === 0 ? null : await alone(db, () => retain(world, now));
  const months = await listMonths(db);
  return { created, ahead: countMonthsAhead(months, now), oldest: months[0]?.begins ?? null, retention };
}

async function retain({ db, retentionDays, signal }: StorageWorld, now: Date): Promise<Retention> {
  const before = new Date(now.getTime() - retentionDays * DAY_MS);
  const dropped: MonthPartition[] = [];
  const busy = new Map<string, string>();
  let rowsKept = 0;
  for (const month of await listMonths(db)) {
    if (month.ends > before || signal?.aborted === true || busy.has(month.table)) continue;
    const result = await dropMonth(db, month);
    if (result.kind === 'busy') busy.set(month.table, month.name);
    if (result.kind !== 'dropped') continue;
    dropped.push(month);
    rowsKept += result.kept;
  }
  const pruned = await pruneFinished(db, { before, ...(signal === undefined ? {} : { signal }) });
  return { dropped: dropped.map(({ table, name }) => ({ table, name })), rowsKept, busy: [...busy.values()], pruned };
}

/** "penstock retention" in PostgreSQL's space of advisory locks. */
const RETENTION_LOCK = 7_365_709;

/** Runs a task where no other worker is at it; null where one is. */
async function alone<Result>(db: LedgerDatabase, task: () => Promise<Result>): Promise<Result | null> {
  return db.transaction().execute(async (lock) => {
    const {
      rows: [row],
    } = await sql<{ held: boolean }>`select pg_try_advisory_xact_lock(${RETENTION_LOCK}) as held`.execute(lock);
    if (row?.held !== true) return null;
    // It holds the lock, nothing else, for as long as a large backlog takes.
    await sql`set local idle_in_transaction_session_timeout = 0`.execute(lock);
    return task();
  });
}
