import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { testPostgresUrl } from '@penstock/local/test-services';
import { openDatabase, type LedgerDatabase } from './database.ts';
import { migrate } from './migrate.ts';
import { createRoles, grantRoles } from './roles.ts';
import { createEmptyDatabase } from './testing/test-database.ts';

const fleet = ['penstock_worker', 'penstock_console', 'penstock_read'];

/** A database as PostgreSQL 14 makes them: `public` is the superuser's, and everybody may create in it. */
let resources: AsyncDisposableStack;
let admin: LedgerDatabase;
let ofOwner: LedgerDatabase;
let adminUrl: string;
let owner: string;
let database: string;
let superuser: string;

beforeEach(async () => {
  resources = new AsyncDisposableStack();
  const { url } = resources.use(await createEmptyDatabase(testPostgresUrl()));
  adminUrl = url;
  const asOwner = new URL(url);
  owner = `owner_${randomUUID().slice(0, 8)}`;
  database = asOwner.pathname.slice(1);
  superuser = asOwner.username;
  asOwner.username = owner;
  asOwner.password = 'of-the-tests';
  admin = open(url);
  await sql`create role ${sql.id(owner)} login password 'of-the-tests'`.execute(admin);
  resources.defer(async () => {
    await sql`reassign owned by ${sql.id(owner)} to current_user`.execute(admin);
    await sql`drop owned by ${sql.id(owner)}`.execute(admin);
    await sql`drop role ${sql.id(owner)}`.execute(admin);
  });
  await sql`alter schema public owner to current_user`.execute(admin);
  await sql`grant usage, create on schema public to public`.execute(admin);
  await createRoles(admin);
  ofOwner = open(asOwner.href);
});
afterEach(() => resources.disposeAsync());

test('what only a superuser may take away is told with what takes it away, and stays as it was until then', async () => {
  await sql`alter database ${sql.id(database)} owner to ${sql.id(owner)}`.execute(admin);
  await migrate(ofOwner);
  const { left } = await grantRoles(ofOwner);
  expect(left).toEqual([
    `as ${superuser} or a superuser: "pnpm migrate roles", or grant create on schema public to ${owner}; revoke create on schema public from public;`,
  ]);
  expect(await whoMakes('create')).toEqual(['penstock_console', 'penstock_read', 'penstock_worker']);
  expect(await whoMakes('temporary')).toEqual([]);

  for (const statement of (left[0] ?? '').split(', or ')[1]?.split('; ') ?? []) await sql.raw(statement).execute(admin);
  expect((await grantRoles(ofOwner)).left).toEqual([]);
  await expectClosed();
});

test('a superuser takes away what belongs to a superuser, and the owner of the tables goes on making months', async () => {
  await migrate(ofOwner);
  expect((await grantRoles(ofOwner)).left).toEqual([
    `as ${superuser} or a superuser: "pnpm migrate roles", or grant create on schema public to ${owner}; revoke create on schema public from public;`,
    `as ${superuser} or a superuser: "pnpm migrate roles", or grant temporary on database ${database} to ${owner}; revoke temporary on database ${database} from public;`,
  ]);
  expect((await grantRoles(admin)).left).toEqual([]);
  await expectClosed();
  // Gone with its transaction, and not while its owner is taken away.
  await ofOwner
    .transaction()
    .execute((tx) => sql`create temporary table of_the_owner (id int) on commit drop`.execute(tx));
});

test('what a role was given by itself is taken away, and what it has by another role is told', async () => {
  await migrate(admin);
  await sql`grant create, temporary on database ${sql.id(database)} to penstock_read`.execute(admin);
  await sql`grant create on schema public to penstock_console, ${sql.id(owner)}`.execute(admin);
  expect((await grantRoles(admin)).left).toEqual([]);
  expect([await whoMakes('create'), await whoMakes('temporary')]).toEqual([[], []]);

  await sql`grant ${sql.id(owner)} to penstock_read`.execute(admin);
  try {
    expect((await grantRoles(admin)).left).toEqual([
      'penstock_read is a superuser, or a member of a role that may: it must be neither',
    ]);
  } finally {
    await sql`revoke ${sql.id(owner)} from penstock_read`.execute(admin);
  }
});

test('any number who give rights at once wait for each other', async () => {
  await migrate(admin);
  const others = Array.from({ length: 4 }, () => open(adminUrl));
  for (const { left } of await Promise.all(others.map((db) => grantRoles(db)))) expect(left).toEqual([]);
});

test('what everybody may is left alone where there are no roles of the fleet', async () => {
  await migrate(admin);
  await admin
    .transaction()
    .execute(async (tx) => {
      // Taken back at the end: roles are the server's, and other tests use them.
      for (const role of fleet) await sql`alter role ${sql.id(role)} rename to ${sql.id(`${role}_away`)}`.execute(tx);
      expect(await grantRoles(tx)).toEqual({ roles: [], left: [] });
      throw new Error('taken back');
    })
    .catch((error: unknown) => expect(error).toMatchObject({ message: 'taken back' }));
});

function open(url: string): LedgerDatabase {
  return resources.use(openDatabase({ url, poolMax: 2, applicationName: 'test' }));
}

async function expectClosed(): Promise<void> {
  expect([await whoMakes('create'), await whoMakes('temporary')]).toEqual([[], []]);
  await sql`select create_month('events', '2031-01-01')`.execute(ofOwner);
}

/** The roles that may create in the schema, or temporary tables in the database. */
async function whoMakes(what: 'create' | 'temporary'): Promise<readonly string[]> {
  const may =
    what === 'create'
      ? sql`has_schema_privilege(oid, 'public', 'create')`
      : sql`has_database_privilege(oid, current_database(), 'temporary')`;
  const { rows } = await sql<{ name: string }>`
    select rolname as name from pg_roles where rolname = any(${fleet}) and ${may} order by rolname`.execute(admin);
  return rows.map(({ name }) => name);
}
