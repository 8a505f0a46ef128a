import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { DatabaseError } from 'pg';
import type { LedgerDatabase, LedgerTransaction } from './database.ts';
import type { MonthPartition } from './months.ts';

/** What became of a month that is past its retention. */
export type DroppedMonth =
  /** Gone, but for the rows of events that are not finished: `kept` of them stay in their month. */
  | { readonly kind: 'dropped'; readonly kept: number }
  /** Nothing in it may go: its events are not finished, or dead. */
  | { readonly kind: 'kept' }
  /** Others had the table in use, each time. */
  | { readonly kind: 'busy' };

const TRIES_MAX = 5;
/** Room for the writers that waited. */
const PAUSE_MS = 300;

/**
 * Drops a month of a table. The rows of events that are `received` or `dead`,
 * or have a message on its way, are copied into a table that takes the month's
 * place; where there are none the month is gone. All in one transaction, whose
 * lock waits for a tenth of a second and then lets the writers pass, to try
 * again: nobody waits for longer. What it does is in functions of the database
 * (migrations/0014_roles.sql), which have the rights that a worker has not.
 */
export async function dropMonth(db: LedgerDatabase, month: MonthPartition): Promise<DroppedMonth> {
  if (!(await hasFinishedRows(db, month))) return { kind: 'kept' };
  for (let attempt = 1; attempt <= TRIES_MAX; attempt += 1) {
    if (attempt > 1) await delay(PAUSE_MS);
    try {
      return await db.transaction().execute((tx) => replaceMonth(tx, month));
    } catch (error) {
      if (!isLockTimeout(error)) throw error;
    }
  }
  return { kind: 'busy' };
}

async function replaceMonth(tx: LedgerTransaction, month: MonthPartition): Promise<DroppedMonth> {
  await sql`select set_month_aside(${month.table}, ${firstDayOf(month)}::date)`.execute(tx);
  const { rows } = await sql<{ kept: number }>`
    select replace_month(${month.table}, ${firstDayOf(month)}::date) as kept`.execute(tx);
  return { kind: 'dropped', kept: rows[0]?.kept ?? 0 };
}

/** Whether anything in it may go. A month that was dropped before holds only what may not, and little of it. */
async function hasFinishedRows(db: LedgerDatabase, month: MonthPartition): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`
    select month_may_go(${month.table}, ${firstDayOf(month)}::date) as found`.execute(db);
  return rows[0]?.found === true;
}

function firstDayOf({ begins }: MonthPartition): string {
  return begins.toISOString().slice(0, 10);
}

function isLockTimeout(error: unknown): boolean {
  return error instanceof DatabaseError && (error.code === '55P03' || error.code === '40P01');
}
