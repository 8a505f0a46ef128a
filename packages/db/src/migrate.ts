import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql, type Kysely } from 'kysely';
import { Migrator, type Migration, type MigrationProvider } from 'kysely/migration';
import { ConfigurationError } from '@penstock/core/failure';
import { DatabaseError } from 'pg';
import { compatibilityOf, type Compatibility } from './compatibility.ts';
import type { Connection, LedgerDatabase } from './database.ts';
import { createMonthsAhead } from './months.ts';

const migrationsFolder = path.join(import.meta.dirname, '../../../migrations');

/**
 * How long a migration waits for each lock: for so long everything that comes after
 * it waits too. Then the run is taken back, lets the others pass, and is tried again,
 * for a minute at least. It is a tenth of PostgreSQL's `deadlock_timeout`: a reader that
 * holds what the migration needs, and waits for what the migration has, would else be
 * ended by that as often as the migration, and its request fail.
 */
const LOCK_MS = 100;
const TRIES = 300;

/**
 * Brings the schema up to this version. Kysely's migrator holds an advisory
 * lock, so any number may start at once; all migrations of one run commit
 * together. Then the months ahead are made. Returns the names applied by this call.
 *
 * @param options.newest where an older schema is wanted: the last migration to apply.
 */
export async function migrate(
  db: LedgerDatabase,
  options: { readonly lockMs?: number; readonly onWait?: (nextTry: number) => void; readonly newest?: string } = {},
): Promise<readonly string[]> {
  const { lockMs = LOCK_MS, onWait = () => undefined, newest } = options;
  for (let tries = 1; ; tries += 1) {
    const migrator = createMigrator(db, lockMs);
    const { error, results } = await (newest === undefined ? migrator.migrateToLatest() : migrator.migrateTo(newest));
    if (error === undefined) {
      await createMonthsAhead(db, { now: new Date() });
      return (results ?? []).filter((result) => result.status === 'Success').map((result) => result.migrationName);
    }
    if (tries === TRIES || !isInTheWay(error)) {
      const failed = results?.find((result) => result.status === 'Error')?.migrationName ?? 'the migration';
      throw new Error(`${failed} failed and nothing was changed`, { cause: error });
    }
    onWait(tries + 1);
    await sleep(lockMs);
  }
}

/** Whether somebody held what a migration needs, or each what the other needs. Source: PostgreSQL, Appendix A, lock_not_available, deadlock_detected. */
function isInTheWay(error: unknown): boolean {
  return error instanceof DatabaseError && (error.code === '55P03' || error.code === '40P01');
}

/** How this version and the schema stand to each other. */
export async function checkSchema(db: Connection): Promise<Compatibility> {
  return compatibilityOf({ known: await migrationNames(), applied: await appliedMigrations(db) });
}

/**
 * Throws ConfigurationError when the database lacks a migration that this version
 * needs, or has one that took away what it needs. What newer versions added does no harm.
 */
export async function assertMigrated(db: Connection): Promise<void> {
  const { missing, takenAway } = await checkSchema(db);
  const problems = [
    ...(missing.length === 0
      ? []
      : [
          `the database schema is older than this version: ${missing.join(', ')} not applied; run "pnpm migrate" first`,
        ]),
    ...(takenAway.length === 0
      ? []
      : [
          `the database schema is newer than this version, which needs what ${takenAway.join(', ')} took away; run a newer version`,
        ]),
  ];
  if (problems.length > 0) throw new ConfigurationError(problems);
}

async function appliedMigrations(db: Connection): Promise<readonly string[]> {
  const {
    rows: [table],
  } = await sql<{ exists: boolean }>`select to_regclass('kysely_migration') is not null as exists`.execute(db);
  if (table?.exists !== true) return [];
  const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(db);
  return rows.map((row) => row.name);
}

async function migrationNames(): Promise<readonly string[]> {
  const files = await readdir(migrationsFolder);
  return files
    .filter((file) => /^\d{4}_\w+\.sql$/.test(file))
    .map((file) => path.basename(file, '.sql'))
    .toSorted();
}

function createMigrator(db: LedgerDatabase, lockMs: number): Migrator {
  return new Migrator({ db, provider: sqlFiles(lockMs) });
}

const sqlFiles = (lockMs: number): MigrationProvider => ({
  getMigrations: async () => {
    const migrations: Record<string, Migration> = {};
    for (const name of await migrationNames()) {
      const text = await readFile(path.join(migrationsFolder, `${name}.sql`), 'utf8');
      migrations[name] = {
        up: async (db: Kysely<unknown>) => {
          await sql`set local lock_timeout = ${sql.lit(lockMs)}`.execute(db);
          await sql.raw(text).execute(db);
        },
      };
    }
    return migrations;
  },
});
