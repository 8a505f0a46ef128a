import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { sql, type Kysely } from 'kysely';
import { Migrator, type Migration, type MigrationProvider } from 'kysely/migration';
import { ConfigurationError } from '@penstock/core/failure';
import type { Connection, LedgerDatabase } from './database.ts';
import { createMonthsAhead } from './months.ts';

const migrationsFolder = path.join(import.meta.dirname, '../../../migrations');

/**
 * Brings the schema up to this version. Kysely's migrator holds an advisory
 * lock, so any number may start at once; all migrations of one run commit
 * together. Then the months ahead are made. Returns the names applied by this call.
 */
export async function migrate(db: LedgerDatabase): Promise<readonly string[]> {
  const { error, results } = await createMigrator(db).migrateToLatest();
  if (error !== undefined) {
    const failed = results?.find((result) => result.status === 'Error')?.migrationName ?? 'the migration';
    throw new Error(`${failed} failed and nothing was changed`, { cause: error });
  }
  await createMonthsAhead(db, { now: new Date() });
  return (results ?? []).filter((result) => result.status === 'Success').map((result) => result.migrationName);
}

/** Throws ConfigurationError when the database lacks a migration that this version needs. */
export async function assertMigrated(db: Connection): Promise<void> {
  const applied = new Set(await appliedMigrations(db));
  const missing = (await migrationNames()).filter((name) => !applied.has(name));
  if (missing.length > 0)
    throw new ConfigurationError([
      `the database schema is older than this version: ${missing.join(', ')} not applied; run "pnpm migrate" first`,
    ]);
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

function createMigrator(db: LedgerDatabase): Migrator {
  return new Migrator({ db, provider: sqlFiles });
}

const sqlFiles: MigrationProvider = {
  getMigrations: async () => {
    const migrations: Record<string, Migration> = {};
    for (const name of await migrationNames()) {
      const text = await readFile(path.join(migrationsFolder, `${name}.sql`), 'utf8');
      migrations[name] = {
        up: async (db: Kysely<unknown>) => {
          await sql.raw(text).execute(db);
        },
      };
    }
    return migrations;
  },
};
