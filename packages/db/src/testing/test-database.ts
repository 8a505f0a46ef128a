import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { Client } from 'pg';
import { openDatabase, type LedgerDatabase } from '../database.ts';
import { migrate } from '../migrate.ts';

/** A database of one test file's own. */
export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
  readonly db: LedgerDatabase;
}

/** "penstock template" in PostgreSQL's space of advisory locks. */
const TEMPLATE_LOCK = 7_365_707;

/**
 * A migrated database, cloned from a template that the first caller makes:
 * cloning takes some 20 ms, migrating ten times that. Dropped when disposed,
 * with whatever is still connected to it.
 */
export async function createTestDatabase(adminUrl: string): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const template = await asAdmin(adminUrl, async (admin) => {
    const existing = await ensureTemplate(admin, adminUrl);
    await admin.query(`create database ${name} template ${existing}`);
    return existing;
  });
  const url = withDatabase(adminUrl, name);
  const db = openDatabase({ url, poolMax: 8, applicationName: `penstock-test-${template}` });
  return {
    url,
    db,
    [Symbol.asyncDispose]: async () => {
      await db.destroy();
      await asAdmin(adminUrl, (admin) => admin.query(`drop database if exists ${name} with (force)`));
    },
  };
}

/** A database as an older version left it: with the migrations up to that one, and nothing in it. */
export async function createOlderDatabase(adminUrl: string, newest: string): Promise<TestDatabase> {
  const empty = await createEmptyDatabase(adminUrl);
  const db = openDatabase({ url: empty.url, poolMax: 8, applicationName: 'penstock-test-older' });
  await migrate(db, { newest });
  return {
    url: empty.url,
    db,
    [Symbol.asyncDispose]: async () => {
      await db.destroy();
      await empty[Symbol.asyncDispose]();
    },
  };
}

/** An empty database, for tests of migrating itself. */
export async function createEmptyDatabase(adminUrl: string): Promise<{ readonly url: string } & AsyncDisposable> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await asAdmin(adminUrl, (admin) => admin.query(`create database ${name}`));
  return {
    url: withDatabase(adminUrl, name),
    [Symbol.asyncDispose]: async () => {
      await asAdmin(adminUrl, (admin) => admin.query(`drop database if exists ${name} with (force)`));
    },
  };
}

/** Named after the migrations' text, so that a changed one makes a new template. */
async function ensureTemplate(admin: Client, adminUrl: string): Promise<string> {
  const name = `penstock_template_${await migrationsHash()}`;
  await admin.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK]);
  try {
    const { rowCount } = await admin.query('select 1 from pg_database where datname = $1 and datistemplate', [name]);
    if (rowCount === 1) return name;
    await admin.query(`drop database if exists ${name} with (force)`);
    await admin.query(`create database ${name}`);
    await migrateAndClose(withDatabase(adminUrl, name));
    await admin.query(`alter database ${name} with is_template true`);
    return name;
  } finally {
    await admin.query('select pg_advisory_unlock($1)', [TEMPLATE_LOCK]);
  }
}

async function migrateAndClose(url: string): Promise<void> {
  await using db = openDatabase({ url, poolMax: 2, applicationName: 'penstock-test-migrate' });
  await migrate(db);
}

async function migrationsHash(): Promise<string> {
  const folder = path.join(import.meta.dirname, '../../../../migrations');
  const files = (await readdir(folder)).filter((file) => /^\d{4}_.*\.sql$/.test(file)).toSorted();
  const hash = createHash('sha256');
  for (const file of files) hash.update(await readFile(path.join(folder, file)));
  return hash.digest('hex').slice(0, 16);
}

async function asAdmin<Result>(adminUrl: string, work: (admin: Client) => Promise<Result>): Promise<Result> {
  const admin = new Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}
