import { Kysely, sql, type Transaction } from 'kysely';
import { DatabaseError, Pool, types } from 'pg';
import { ConfigurationError, PermanentError, toFailure, TransientError } from '@penstock/core/failure';
import type { PayloadKeys } from '@penstock/core/payload-keys';
import { isMonthMissing } from './months.ts';
import { LedgerDialect } from './ledger-dialect.ts';
import { askServer } from './ask-server.ts';
import { endWhenSilent } from './end-when-silent.ts';
import { isStaleStatement, namingStatements } from './named-statements.ts';
import type { Database } from './schema.ts';
import { nameStatement, type StatementName } from './statement-name.ts';

export type LedgerDatabase = Kysely<Database>;
/** The ledger's own transaction: what is written here commits with the event or not at all. */
export type LedgerTransaction = Transaction<Database>;
/** For questions that any connection can answer. */
export type Connection = Kysely<Database>;

/** An event's statements take milliseconds; a minute is a fault to be reported. */
export const STATEMENT_TIMEOUT_MS = 60_000;

/** Nothing of ours waits for something else within a transaction for so long. */
export const IDLE_TIMEOUT_MS = 120_000;

/** What a session of ours may take, in milliseconds, by the names that PostgreSQL has for it. */
const sessionLimits = {
  statement_timeout: STATEMENT_TIMEOUT_MS,
  lock_timeout: 10_000,
  idle_in_transaction_session_timeout: IDLE_TIMEOUT_MS,
} as const;

/** How long after its time a statement has not been answered, if only because it was ended, that no answer will come. */
const SILENCE_AFTER_MS = 15_000;

/** A statement that was executed. */
export interface ExecutedQuery {
  readonly sql: string;
  readonly parameters: readonly unknown[];
  readonly durationMs: number;
}

/** A statement by its name, whether or not it succeeded. */
export interface TimedStatement extends StatementName {
  /** Its text, with placeholders for the values. */
  readonly sql: string;
  readonly durationMs: number;
  /** SQLSTATE, or another code of the driver; null on success. */
  readonly errorCode: string | null;
}

/** The connections that are open. */
export interface PoolUse {
  readonly total: number;
  readonly idle: number;
  /** Requests for a connection that wait for one. */
  readonly waiting: number;
  readonly max: number;
}

/** PostgreSQL's object id of int8, which pg would hand over as text. */
const INT8 = types.builtins.INT8;

/**
 * Opens the ledger's database. Connects on first use. Every statement and
 * every wait for a lock has a limit, so that nothing in the worker waits for ever.
 * A URL with `?pgbouncer=true` leads to a pooler in transaction mode, which has
 * no sessions to set limits for: there they are the role's (see assertLimited).
 */
export function openDatabase(options: {
  readonly url: string;
  readonly poolMax: number;
  readonly applicationName: string;
  /** How long a statement may go without any answer before its connection is taken to be dead, where the server cannot be asked; 15 s more than it may take. */
  readonly silenceMs?: number;
  readonly onError?: (error: Error) => void;
  /** Told of every statement that was executed. */
  readonly onQuery?: (query: ExecutedQuery) => void;
  /** Told of every statement's time. */
  readonly onStatement?: (statement: TimedStatement) => void;
  /** What bodies are sealed and opened with; without them they are stored as they are. */
  readonly payloadKeys?: PayloadKeys | undefined;
  /** How long one statement may take; a minute unless said otherwise. */
  readonly statementTimeoutMs?: number;
  /** How long a statement may take for which another time is set (a handler's), where that is longer. */
  readonly longestStatementMs?: number;
  /** Whether statements that come again are kept parsed, and sent without waiting where they may be (pipeline.ts): for who asks the same few things of every event. */
  readonly namesStatements?: boolean;
}): LedgerDatabase & AsyncDisposable & { readonly poolUse: () => PoolUse } {
  const { connectionString, isPooled } = readUrl(options.url);
  const namesStatements = options.namesStatements === true && !isPooled;
  const statementMs = options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS;
  const longestMs = Math.max(statementMs, STATEMENT_TIMEOUT_MS, options.longestStatementMs ?? 0);
  const server = { connectionString, application_name: options.applicationName };
  const pool = new Pool({
    ...server,
    max: options.poolMax,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    // Only who asks several things at a time notices (pipeline.ts): Kysely gives its connection to one after the other.
    pipeline: namesStatements,
    ...(isPooled ? {} : { ...sessionLimits, statement_timeout: statementMs }),
    types: {
      getTypeParser: (oid, format) =>
        oid === INT8 && format !== 'binary' ? readInt8 : types.getTypeParser(oid, format),
    },
  });
  pool.on('error', options.onError ?? (() => undefined));
  pool.on('connect', (client) => {
    // A connection that breaks while in use tells its query; without a listener of its own it would end the process too.
    client.on('error', () => undefined);
  });
  endWhenSilent(pool, {
    silenceMs: options.silenceMs ?? longestMs + SILENCE_AFTER_MS,
    // A pooler's sessions are not the server's.
    askServer: isPooled ? async () => 'unknown' : (processId) => askServer(server, processId),
  });
  const { onQuery, onStatement } = options;
  const db = new Kysely<Database>({
    dialect: new LedgerDialect({
      pool: namesStatements ? namingStatements(pool) : pool,
      payloadKeys: options.payloadKeys ?? null,
      isPipelined: namesStatements,
    }),
    ...(onQuery === undefined && onStatement === undefined
      ? {}
      : {
          log: (event) => {
            const { query, queryDurationMillis: durationMs } = event;
            if (event.level === 'query') onQuery?.({ sql: query.sql, parameters: query.parameters, durationMs });
            const errorCode = event.level === 'error' ? toFailure(event.error).code : null;
            onStatement?.({ ...nameStatement(query.query), sql: query.sql, durationMs, errorCode });
          },
        }),
  });
  const poolUse = (): PoolUse => ({
    total: pool.totalCount,
    idle: pool.idleCount,
    waiting: pool.waitingCount,
    max: options.poolMax,
  });
  return Object.assign(db, { poolUse });
}

/** Throws when the database does not answer. */
export async function assertReachable(db: Connection): Promise<void> {
  await sql`select 1`.execute(db);
}

/**
 * Throws ConfigurationError where statements would have no limits of time: the
 * URL leads through a pooler that was not told of, or the role has none.
 */
export async function assertLimited(db: Connection): Promise<void> {
  const names = Object.keys(sessionLimits);
  const { rows } = await sql<{ name: string; setting: string; role: string; database: string }>`
    select name, setting, current_user as role, current_database() as database
    from pg_settings where name = any(${names}) and setting = '0'`
    .execute(db)
    .catch((error: unknown) => {
      if (error instanceof Error && error.message.includes('unsupported startup parameter'))
        throw new ConfigurationError([
          'DATABASE_URL leads to PgBouncer: add ?pgbouncer=true to it (docs/OPERATIONS-POSTGRES.md)',
        ]);
      throw error;
    });
  if (rows.length === 0) return;
  throw new ConfigurationError(
    Object.entries(sessionLimits)
      .filter(([name]) => rows.some((row) => row.name === name))
      .map(
        ([name, ms]) => `run once: alter role ${rows[0]?.role} in database ${rows[0]?.database} set ${name} = ${ms}`,
      ),
  );
}

function readUrl(url: string): { readonly connectionString: string; readonly isPooled: boolean } {
  if (!/[?&]pgbouncer=true(&|$)/.test(url)) return { connectionString: url, isPooled: false };
  const direct = new URL(url);
  direct.searchParams.delete('pgbouncer');
  return { connectionString: direct.href, isPooled: true };
}

/** Amounts and keys stay far below 2^53; one that does not must not be rounded. */
function readInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`the database holds an integer beyond 2^53: ${text}`);
  return value;
}

/**
 * Whether the fault lies with the database rather than with the event: it was
 * away, is shutting down, ran out of connections or space, or lacks the month
 * that a row belongs to. Such a fault
 * says nothing about the event and uses up none of its attempts. What our own
 * code has named already (TransientError, PermanentError) is no such fault.
 * Source: PostgreSQL, Appendix A, error codes.
 */
export function isDatabaseOutage(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof TransientError || error instanceof PermanentError) return false;
  if (isLedgerOutage(error)) return true;
  if (isMonthMissing(error) || isStaleStatement(error)) return true;
  // Two transactions met in a deadlock, or a lock was held for too long by somebody else.
  if (error instanceof DatabaseError && /^(40001|40P01|55P03)$/.test(error.code ?? '')) return true;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/.test(code);
}

/** The same, by marks that only PostgreSQL and its driver leave. */
function isLedgerOutage(error: unknown): boolean {
  if (error instanceof DatabaseError) return /^(08|53|57P0|58|25006|25P03)/.test(error.code ?? '');
  return (
    error instanceof Error &&
    /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/.test(
      error.message,
    )
  );
}

/** Whether a statement took longer than it may. Source: PostgreSQL, Appendix A, query_canceled. */
export function isStatementTimeout(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === '57014';
}
