import { sql } from 'kysely';
import { DatabaseError } from 'pg';
import type { LedgerDatabase, LedgerTransaction } from './database.ts';
import type { Database } from './schema.ts';

/**
 * The roles that the fleet runs as, beside the owner of the tables, who alone
 * makes and changes them: ingest has none at all.
 */
const fleetRoles = ['penstock_worker', 'penstock_console', 'penstock_read'] as const;
export type FleetRole = (typeof fleetRoles)[number];

/** What a role may do to a table: whole rows, or the columns that are named, or all but those. */
interface Rights {
  readonly select?: true;
  readonly insert?: true;
  readonly delete?: true;
  readonly update?: true | readonly string[] | { readonly allBut: readonly string[] };
}

interface TableRights {
  readonly worker: Rights;
  readonly console: Rights;
  readonly read: Rights;
}

const look = { select: true } as const;
/** Told once, and never changed: a fact. */
const facts = { worker: { select: true, insert: true }, console: look, read: look } as const;
/** Made anew by each fold. */
const folded = {
  worker: { select: true, insert: true, update: true, delete: true },
  console: look,
  read: look,
} as const;

/** A table that is not here has no rights in it for anybody: the compiler asks. */
const tables: Readonly<Record<keyof Database, TableRights>> = {
  ledger: {
    worker: {
      select: true,
      insert: true,
      update: { allBut: ['id', 'account', 'provider_event_id', 'endpoint', 'provider', 'body_sha256', 'stored_at'] },
    },
    // Discarding; and the lock on a row that goes with it.
    console: { select: true, update: ['state'] },
    read: look,
  },
  events: facts,
  deliveries: facts,
  transmissions: facts,
  collisions: facts,
  confirmations: facts,
  attempts: facts,
  deaths: facts,
  // A payment's facts move where it turns out to be another's.
  payment_facts: { worker: { select: true, insert: true, update: ['payment_key'] }, console: look, read: look },
  payments: folded,
  refunds: folded,
  disputes: folded,
  payouts: folded,
  payment_references: folded,
  conflicts: {
    worker: { select: true, insert: true, update: true },
    // Dismissing, and asking to fetch.
    console: { select: true, update: { allBut: ['id', 'account', 'provider', 'kind', 'code', 'subject'] } },
    read: look,
  },
  crashes: { worker: { select: true, insert: true, delete: true }, console: look, read: look },
  handler_runs: folded,
  known_handlers: { worker: { select: true, insert: true, update: true }, console: look, read: look },
  key_uses: { worker: { select: true, insert: true, update: true }, console: look, read: look },
  outbox: { worker: { select: true, insert: true, delete: true }, console: look, read: look },
  outbox_deliveries: {
    worker: { select: true, insert: true, update: true, delete: true },
    console: { select: true, update: ['state', 'attempts', 'finished_at', 'touched_at'] },
    read: look,
  },
  replays: {
    worker: { select: true, update: true },
    console: { select: true, insert: true, update: true },
    read: look,
  },
  replay_items: {
    worker: { select: true, update: true, delete: true },
    console: { select: true, insert: true, delete: true },
    read: look,
  },
  asked_handlers: { worker: { select: true, insert: true, delete: true }, console: look, read: look },
  // A worker says when a replay has ended.
  operator_actions: { worker: { insert: true }, console: { select: true, insert: true }, read: look },
  // Hashes of keys are no matter of a worker's, nor of a copy's.
  api_keys: { worker: {}, console: { select: true, insert: true, update: ['revoked_at', 'last_used_at'] }, read: {} },
};

/** What a worker may call that has its owner's rights (migrations/0014_roles.sql). */
const monthFunctions = ['create_month', 'month_may_go', 'set_month_aside', 'replace_month'] as const;

/**
 * Makes the roles that are missing, without a login: give each a password of
 * its own. Needs a role that may create roles. Returns the names of those made.
 */
export async function createRoles(db: LedgerDatabase): Promise<readonly FleetRole[]> {
  const made: FleetRole[] = [];
  for (const role of fleetRoles)
    try {
      await sql`create role ${sql.id(role)} nologin`.execute(db);
      made.push(role);
    } catch (error) {
      // Roles are the server's, not the database's: another may have made it, at this moment too.
      if (!(error instanceof DatabaseError && /^(42710|23505)$/.test(error.code ?? ''))) throw error;
    }
  return made;
}

/** "penstock rights" in PostgreSQL's space of advisory locks. */
const RIGHTS_LOCK = 7_365_711;

/** What became of the fleet's rights. */
export interface GrantedRights {
  /** The roles that there are. */
  readonly roles: readonly FleetRole[];
  /** What they could still make, and how it is ended by somebody who may: a line each, for people. */
  readonly left: readonly string[];
}

/**
 * Gives the roles that exist exactly their rights in this database: what they
 * had beside them is taken away, from everybody where everybody had it. Run as
 * the owner of the tables, after each migration; what belongs to somebody else
 * stays as it is and is told.
 */
export async function grantRoles(db: LedgerDatabase): Promise<GrantedRights> {
  const { rows } = await sql<{ name: FleetRole }>`
    select rolname as name from pg_roles where rolname = any(${fleetRoles})`.execute(db);
  const roles = rows.map(({ name }) => name);
  // A database without them is nobody else's matter: it may have other users, and other tables.
  if (roles.length === 0) return { roles, left: [] };
  return db.transaction().execute(async (tx) => {
    // Two who change one object's rights at once do not wait for each other: PostgreSQL fails the second.
    await sql`select pg_advisory_xact_lock(${RIGHTS_LOCK})`.execute(tx);
    const left = await endMaking(tx);
    for (const role of roles) await grant(tx, role);
    return { roles, left };
  });
}

/**
 * Takes from the fleet, and from PUBLIC, what makes tables and schemas. Up to
 * PostgreSQL 14, and in databases that came from one, everybody may create in
 * the schema public; in any, everybody may create temporary tables, and one
 * that is named as a table of ours is written to in its place.
 */
async function endMaking(tx: LedgerTransaction): Promise<readonly string[]> {
  const { rows } = await sql<{ owner: string; isOurs: boolean; statements: readonly string[] }>`
    with objects as (
      select 'schema public' as object, nspowner as owner, coalesce(nspacl, acldefault('n', nspowner)) as acl
      from pg_namespace where nspname = 'public'
      union all
      select 'database ' || quote_ident(datname), datdba, coalesce(datacl, acldefault('d', datdba))
      from pg_database where datname = current_database()
    ), makers as (
      select objects.*, lower(privilege_type) as making, grantee,
             case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end as maker
      from objects, aclexplode(acl)
      where privilege_type in ('CREATE', 'TEMPORARY')
        and (grantee = 0 or pg_get_userbyid(grantee) = any(${fleetRoles}))
    )
    select quote_ident(pg_get_userbyid(makers.owner)) as owner, pg_has_role(makers.owner, 'usage') as "isOurs",
           -- The tables' owner makes months, and may have done so by what everybody had.
           case when grantee = 0 and not pg_has_role(tables.relowner, makers.owner, 'usage')
                then array[format('grant %s on %s to %I', making, object, pg_get_userbyid(tables.relowner))]
                else '{}' end || format('revoke %s on %s from %s', making, object, maker) as statements
    from makers, pg_class as tables where tables.oid = 'public.ledger'::regclass
    order by object desc, making, maker`.execute(tx);
  for (const { statements } of rows.filter(({ isOurs }) => isOurs))
    for (const statement of statements) await sql.raw(statement).execute(tx);
  const left = rows
    .filter(({ isOurs }) => !isOurs)
    .map(({ owner, statements }) => `as ${owner} or a superuser: "pnpm migrate roles", or ${statements.join('; ')};`);
  return left.length > 0 ? left : otherwiseMaking(tx);
}

/** Who makes things by a right that is neither everybody's nor its own. */
async function otherwiseMaking(tx: LedgerTransaction): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`
    select rolname as name from pg_roles
    where rolname = any(${fleetRoles})
      and (has_schema_privilege(oid, 'public', 'create')
           or has_database_privilege(oid, current_database(), 'create, temporary'))
    order by rolname`.execute(tx);
  return rows.map(({ name }) => `${name} is a superuser, or a member of a role that may: it must be neither`);
}

async function grant(tx: LedgerTransaction, role: FleetRole): Promise<void> {
  const who = sql.id(role);
  const rightsOf = { penstock_worker: 'worker', penstock_console: 'console', penstock_read: 'read' } as const;
  await sql`grant usage on schema public to ${who}`.execute(tx);
  // Which migrations there are: a process refuses a schema that does not fit it.
  await sql`grant select on kysely_migration to ${who}`.execute(tx);
  for (const [table, rights] of Object.entries(tables)) {
    await sql`revoke all on ${sql.table(table)} from ${who}`.execute(tx);
    for (const right of await statementsOf(tx, table, rights[rightsOf[role]]))
      await sql`grant ${sql.raw(right)} on ${sql.table(table)} to ${who}`.execute(tx);
  }
  if (role !== 'penstock_worker') return;
  // A payment's key is drawn before its row is written.
  await sql`grant usage on sequence payments_key_seq to ${who}`.execute(tx);
  for (const name of monthFunctions) await sql`grant execute on function ${sql.id(name)} to ${who}`.execute(tx);
}

/** `select`, `insert`, `update (a, b)` …: the names come from this file and the catalogue. */
async function statementsOf(tx: LedgerTransaction, table: string, rights: Rights): Promise<readonly string[]> {
  const whole = (['select', 'insert', 'delete'] as const).filter((right) => rights[right] === true);
  const { update } = rights;
  if (update === undefined) return whole;
  if (update === true) return [...whole, 'update'];
  const columns = 'allBut' in update ? await columnsBut(tx, table, update.allBut) : update;
  return [...whole, `update (${columns.map((column) => `"${column}"`).join(', ')})`];
}

async function columnsBut(tx: LedgerTransaction, table: string, fixed: readonly string[]): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`
    select attname as name from pg_attribute
    where attrelid = to_regclass(${`public.${table}`}) and attnum > 0 and not attisdropped
      and attname <> all(${fixed})`.execute(tx);
  return rows.map(({ name }) => name);
}
