import { CompiledQuery, sql } from 'kysely';
import { openDatabase, type LedgerDatabase } from '@penstock/db/database';
import { keyPattern, keysFrom, type Recording, type Statement, type Unit, type Value } from './recording.ts';

/** A stand-in for the version that a recording is of. */
export interface Replay extends AsyncDisposable {
  /**
   * Asks again what the units asked, one after the other. Throws where PostgreSQL
   * refuses a statement, and where an answer has no column of a name that it was
   * read by, or another number of rows.
   */
  readonly ask: (units: readonly Unit[]) => Promise<void>;
}

/**
 * Opens one on a database as the recording found it: empty, with what the
 * handlers write to. The recording's moments are moved, so that it begins `now`.
 *
 * @param onOtherRows is told of another number of rows, instead of throwing.
 */
export async function openReplay(
  recording: Recording,
  options: {
    readonly url: string;
    readonly now: Date;
    readonly onOtherRows?: (statement: Statement, rows: number) => void;
  },
): Promise<Replay> {
  const { url, now, onOtherRows = throwOtherRows } = options;
  const laterMs = now.getTime() - recording.begunAt.getTime();
  const keys = new Map<string, string>();
  const pools = new Map<string, LedgerDatabase & AsyncDisposable>();
  const poolOf = ({ session, statementMs }: Unit): LedgerDatabase => {
    const pool =
      pools.get(session) ??
      openDatabase({ url, poolMax: 10, applicationName: session, statementTimeoutMs: statementMs });
    pools.set(session, pool);
    return pool;
  };
  const db = poolOf({ session: 'replay', statementMs: 60_000, statements: [] });
  await numberFromAfar(db);
  for (const table of ['effects (event_id text not null)', 'repaired (at timestamptz not null default now())'])
    await sql.raw(`create table if not exists ${table}`).execute(db);
  return {
    ask: async (units) => {
      for (const unit of units)
        await poolOf(unit)
          .connection()
          .execute(async (connection) => {
            for (const statement of unit.statements) {
              const answer = await ask(connection, statement, (value) => hereAndNow(value, { laterMs, keys }));
              if (statement.rows !== null && answer.count !== statement.rows) onOtherRows(statement, answer.count);
              for (const [at, column, key] of statement.keys) {
                const here = cell(answer.rows[at], column);
                if (here !== undefined) keys.set(key, String(here));
              }
            }
          });
    },
    [Symbol.asyncDispose]: async () => {
      for (const pool of pools.values()) await pool[Symbol.asyncDispose]();
    },
  };
}

/** Gives each table keys of its own that are like no other number. */
export async function numberFromAfar(db: LedgerDatabase): Promise<void> {
  const { rows } = await sql<{ name: string }>`
    select quote_ident(sequencename) as name from pg_sequences where schemaname = 'public' order by 1`.execute(db);
  for (const [at, { name }] of rows.entries())
    await sql.raw(`alter sequence ${name} restart with ${keysFrom + at * 10_000_000}`).execute(db);
}

async function ask(
  connection: LedgerDatabase,
  statement: Statement,
  here: (value: Value) => Value,
): Promise<{ readonly count: number; readonly rows: readonly unknown[] }> {
  const values = statement.values
    .map(here)
    .map((value) => (value !== null && typeof value === 'object' ? Buffer.from(value.hex, 'hex') : value));
  const { rows, numAffectedRows } = await connection
    .executeQuery(CompiledQuery.raw(statement.sql, values))
    .catch((cause: unknown) => {
      throw new Error(`what the version before asks is refused: ${tell(statement)}`, { cause });
    });
  // Kysely tells of an end of a transaction as of a row.
  if (/^(commit|rollback)/.test(statement.sql)) return { count: 0, rows: [] };
  const [row] = rows;
  const missing = statement.columns.filter((name) => row !== undefined && cell(row, name) === undefined);
  if (missing.length > 0) throw new Error(`no ${missing.join(', ')} in the answer to ${tell(statement)}`);
  return { count: Number(numAffectedRows ?? rows.length), rows };
}

function throwOtherRows(statement: Statement, rows: number): never {
  throw new Error(`${rows} rows instead of ${statement.rows} in the answer to ${tell(statement)}`);
}

function tell({ sql: text, values }: Statement): string {
  return `${text}\n  with ${JSON.stringify(values)}`;
}

/** undefined where the row has no such column. */
function cell(row: unknown, column: string): unknown {
  return typeof row === 'object' && row !== null
    ? Object.entries(row).find(([name]) => name === column)?.[1]
    : undefined;
}

/** A parameter with the keys of this database, and its moments as long ago as they were. */
function hereAndNow(
  value: Value,
  options: { readonly laterMs: number; readonly keys: ReadonlyMap<string, string> },
): Value {
  if (typeof value !== 'string') return value;
  return value
    .replaceAll(keyPattern, (key) => options.keys.get(key) ?? key)
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d(?::?\d\d)?)/g, (moment) => {
      const at = new Date(moment.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00'));
      return Number.isNaN(at.getTime()) ? moment : new Date(at.getTime() + options.laterMs).toISOString();
    });
}
