import { sql } from 'kysely';
import { DatabaseError } from 'pg';
import type { Connection } from './database.ts';

/** The tables that are kept by month, with the time that says which. */
const monthlyTables = {
  events: 'recorded_at',
  deliveries: 'recorded_at',
  confirmations: 'recorded_at',
  attempts: 'failed_at',
} as const;
export type MonthlyTable = keyof typeof monthlyTables;

/** A scheduler that has been down for a quarter of a year has been missed by somebody. */
const MONTHS_AHEAD = 3;

/** A month's part of a table. */
export interface MonthPartition {
  readonly table: MonthlyTable;
  readonly name: string;
  /** The first moment of the month in UTC; it ends where the next begins. */
  readonly begins: Date;
  readonly ends: Date;
}

/**
 * Makes the months from the one before `now`, whose deliveries may still be on
 * their way, to so many ahead where they are missing; any number may do so at
 * once. Returns the names of the partitions made.
 */
export async function createMonthsAhead(
  db: Connection,
  options: { readonly now: Date; readonly ahead?: number },
): Promise<readonly string[]> {
  const first = firstOfMonth(options.now);
  const months = Array.from({ length: 2 + (options.ahead ?? MONTHS_AHEAD) }, (_, number) =>
    monthAfter(first, number - 1),
  );
  return createMonths(db, months);
}

/** Makes the months that one event's rows belong to: those around this one, and that in which the ledger learned of it. */
export async function createMonthsOf(
  db: Connection,
  event: { readonly account: string; readonly eventId: string; readonly now: Date },
): Promise<readonly string[]> {
  const known = await db
    .selectFrom('ledger')
    .select('stored_at')
    .where('account', '=', event.account)
    .where('provider_event_id', '=', event.eventId)
    .executeTakeFirst();
  const made = await createMonthsAhead(db, { now: event.now });
  return known === undefined ? made : [...made, ...(await createMonths(db, [firstOfMonth(known.stored_at)]))];
}

/** The partitions there are, oldest first. Reads the catalogue, no table. */
export async function listMonths(db: Connection): Promise<readonly MonthPartition[]> {
  const { rows } = await sql<{ table: MonthlyTable; name: string }>`
    select parent.relname as "table", part.relname as name
    from pg_inherits
    join pg_class as parent on parent.oid = inhparent
    join pg_class as part on part.oid = inhrelid
    where parent.relnamespace = 'public'::regnamespace and parent.relkind = 'p' and part.relkind = 'r'
      and parent.relname = any(${Object.keys(monthlyTables)})
    order by right(part.relname, 7), parent.relname`.execute(db);
  return rows.map(({ table, name }) => {
    const begins = new Date(`${name.slice(-7).replace('_', '-')}-01T00:00:00Z`);
    return { table, name, begins, ends: monthAfter(begins, 1) };
  });
}

/** How many months after this one every table has, without a gap. */
export function countMonthsAhead(months: readonly MonthPartition[], now: Date): number {
  const there = new Set(months.map(({ table, begins }) => `${table} ${begins.toISOString()}`));
  const tables = Object.keys(monthlyTables);
  let ahead = 0;
  while (tables.every((table) => there.has(`${table} ${monthAfter(firstOfMonth(now), ahead + 1).toISOString()}`)))
    ahead += 1;
  return ahead;
}

/** Whether a statement failed because the month of a row was never made. Source: ExecFindPartition of PostgreSQL. */
export function isMonthMissing(error: unknown): boolean {
  return (
    error instanceof DatabaseError &&
    error.code === '23514' &&
    error.constraint === undefined &&
    Object.keys(monthlyTables).includes(error.table ?? '')
  );
}

async function createMonths(db: Connection, months: readonly Date[]): Promise<readonly string[]> {
  const made: string[] = [];
  for (const month of new Set(months.map((time) => time.toISOString().slice(0, 10))))
    for (const table of Object.keys(monthlyTables)) {
      const { rows } = await sql<{ made: boolean }>`select create_month(${table}, ${month}::date) as made`.execute(db);
      if (rows[0]?.made === true) made.push(`${table}_${month.slice(0, 7).replace('-', '_')}`);
    }
  return made;
}

function firstOfMonth(time: Date): Date {
  return new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth(), 1));
}

function monthAfter(first: Date, months: number): Date {
  return new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + months, 1));
}
