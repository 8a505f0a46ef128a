import { sql } from 'kysely';
import type { Connection } from './database.ts';

/** The time by the database's clock, which is one for all who ask it, and the one by which rows say when they were written. */
export async function databaseTime(db: Connection): Promise<Date> {
  const {
    rows: [row],
  } = await sql<{ now: Date }>`select now() as now`.execute(db);
  if (row === undefined) throw new Error('The database did not say what time it is.');
  return row.now;
}
