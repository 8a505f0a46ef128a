import { setTimeout as delay } from 'node:timers/promises';
import { sql, type RawBuilder } from 'kysely';
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

/** How long writers may be kept waiting: an event's transaction takes some milliseconds, a rebuild's minutes. */
const LOCK_MS = 100;

/** Longer than any transaction of a worker may be (see database.ts). */
const MARGIN = '10 minutes';

const TRIES_MAX = 5;
/** Room for the writers that waited. */
const PAUSE_MS = 300;

/**
 * Drops a month of a table. The rows of events that are `received` or `dead`,
 * or have a message on its way, are copied into a table that takes the month's
 * place; where there are none the month is gone. All in one transaction, whose
 * lock waits for a tenth of a second and then lets the writers pass, to try
 * again: nobody waits for longer.
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
  const [table, name, rest] = [sql.id(month.table), sql.id(month.name), sql.id(`${month.name}_rest`)];
  await sql`create table ${rest} (like ${table} including all excluding identity)`.execute(tx);
  await copy(tx, { month, of: unfinishedEvents });
  await sql`set local lock_timeout = ${sql.lit(`${LOCK_MS}ms`)}`.execute(tx);
  await sql`lock table only ${table} in access exclusive mode`.execute(tx);
  // What was made unfinished since the copy, a replay for example: few, and found by an index.
  await copy(tx, { month, of: lately });
  await sql`alter table ${table} detach partition ${name}`.execute(tx);
  await sql`drop table ${name}`.execute(tx);
  const { rows } = await sql<{ kept: number }>`select count(*)::int as kept from ${rest}`.execute(tx);
  const kept = rows[0]?.kept ?? 0;
  if (kept === 0) {
    await sql`drop table ${rest}`.execute(tx);
    return { kind: 'dropped', kept };
  }
  await sql`alter table ${rest} rename to ${name}`.execute(tx);
  // As create_month makes it: see migrations/0006_months.sql.
  await sql`
    create trigger ${sql.id(`${month.name}_no_truncate`)} before truncate on ${name}
    for each statement execute function refuse_change()`.execute(tx);
  await sql`
    alter table ${table} attach partition ${name}
    for values from (${sql.lit(month.begins.toISOString())}) to (${sql.lit(month.ends.toISOString())})`.execute(tx);
  return { kind: 'dropped', kept };
}

async function copy(
  tx: LedgerTransaction,
  what: { readonly month: MonthPartition; readonly of: RawBuilder<unknown> },
): Promise<void> {
  const { name } = what.month;
  await sql`
    insert into ${sql.id(`${name}_rest`)}
    select * from ${sql.id(name)} where ${eventOf(what.month)} in (${what.of}) on conflict do nothing`.execute(tx);
}

/** Whether anything in it may go. A month that was dropped before holds only what may not, and little of it. */
async function hasFinishedRows(db: LedgerDatabase, month: MonthPartition): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`
    select not exists (select from ${sql.id(month.name)})
           or exists (select from ${sql.id(month.name)} as whole
                      where not exists (select from (${unfinishedEvents}) as unfinished
                                        where unfinished.id = whole.${eventOf(month)})) as found`.execute(db);
  return rows[0]?.found === true;
}

function eventOf(month: MonthPartition): RawBuilder<unknown> {
  return sql.id(month.table === 'events' ? 'id' : 'ledger_id');
}

const withMessages = sql`
  select outbox.ledger_id from outbox_deliveries join outbox on outbox.id = outbox_id where state in ('pending', 'queued')`;

/** The events whose rows must not go. Each part has an index of its own, as long as the events are few. */
const unfinishedEvents = sql`
  select id from ledger where state = 'received' union all select id from ledger where state = 'dead'
  union all ${withMessages}`;

const lately = sql`
  select id from ledger where state = 'received' and touched_at >= now() - ${MARGIN}::interval
  union all select id from ledger where state = 'dead' and finished_at >= now() - ${MARGIN}::interval
  union all ${withMessages}`;

function isLockTimeout(error: unknown): boolean {
  return error instanceof DatabaseError && (error.code === '55P03' || error.code === '40P01');
}
