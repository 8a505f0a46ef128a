import { styleText } from 'node:util';
import { openDatabase } from '@penstock/db/database';
import { checkSchema, migrate } from '@penstock/db/migrate';
import { createRoles, grantRoles, type GrantedRights } from '@penstock/db/roles';
import { readSettings } from '@penstock/runtime/env';
import { databaseSettings, sharedSettings } from '@penstock/runtime/shared-settings';
import { migrateQueue } from '@penstock/runtime/queue-backends';
import { EXIT_USAGE, readFlags, runOperatorCommand, UsageError } from './operator-command.ts';

const usage = `Usage: pnpm migrate [check | roles]

Brings the ledger's schema, and the queue's where PostgreSQL holds it, up to this
version. Any number may start at once; they wait for each other. A migration that
does not get a lock at once lets everybody else pass and tries again, for a minute.

  check    changes nothing: tells whether this version can run on the schema, and
           whether the version that made the schema survives what is not applied
           yet. Exit code 1 where one of them is not so.
  roles    makes the roles of the fleet that are missing (penstock_worker,
           penstock_console, penstock_read; without a login) and gives them their
           rights. Needs a role that may create roles. "pnpm migrate" itself gives
           those that exist their rights after each run (docs/SECURITY.md).
  --help   this text

Needs DATABASE_URL, of PostgreSQL itself and not of PgBouncer; QUEUE_DATABASE_URL
where the queue is in PostgreSQL.
`;

/** Rewriting a large table takes long, and is watched by whoever started it. */
const STATEMENT_MS_MAX = 3_600_000;

await runOperatorCommand(async (args) => {
  const { values, positionals } = readFlags(args, { help: { type: 'boolean' } });
  const [command, ...rest] = positionals;
  if (values.help === true) {
    process.stdout.write(usage);
    return 0;
  }
  if (rest.length > 0) throw new UsageError(`${rest[0]} is one word too many`);
  switch (command) {
    case undefined:
      return apply();
    case 'check':
      return check();
    case 'roles':
      return roles();
    default:
      process.stderr.write(usage);
      return EXIT_USAGE;
  }
});

async function apply(): Promise<number> {
  const { databaseUrl, queueDatabaseUrl } = readSettings(
    { databaseUrl: databaseSettings.databaseUrl, queueDatabaseUrl: sharedSettings.queueDatabaseUrl },
    process.env,
  );
  await using db = openDatabase({
    url: databaseUrl,
    poolMax: 2,
    applicationName: 'penstock-migrate',
    statementTimeoutMs: STATEMENT_MS_MAX,
  });
  const applied = await migrate(db, {
    onWait: (tries) => {
      if (tries === 2 || tries % 50 === 0)
        process.stderr.write(`A lock is held by somebody else; try ${tries} follows.\n`);
    },
  });
  tell(await grantRoles(db));
  if (queueDatabaseUrl !== undefined)
    await migrateQueue({ backend: 'postgres', url: queueDatabaseUrl, name: 'webhooks' });
  process.stdout.write(applied.length === 0 ? 'The schema is up to date.\n' : `Applied ${applied.join(', ')}.\n`);
  return 0;
}

async function roles(): Promise<number> {
  const { databaseUrl } = readSettings({ databaseUrl: databaseSettings.databaseUrl }, process.env);
  await using db = openDatabase({ url: databaseUrl, poolMax: 1, applicationName: 'penstock-migrate' });
  const made = await createRoles(db);
  process.stdout.write(
    made.length === 0
      ? 'The roles are there.\n'
      : `Made ${made.join(', ')}; give each a login: alter role … login password …\n`,
  );
  const { missing } = await checkSchema(db);
  if (missing.length > 0) {
    process.stdout.write('The schema is not migrated yet; "pnpm migrate" gives them their rights.\n');
    return 0;
  }
  const granted = await grantRoles(db);
  const others = granted.left.length === 0 ? ', and no others' : '';
  process.stdout.write(`${granted.roles.join(', ')} have their rights in this database${others}.\n`);
  tell(granted);
  return 0;
}

/** What only somebody else may take away does not hold a migration up. */
function tell({ left }: GrantedRights): void {
  if (left.length > 0)
    process.stderr.write(
      `The roles of the fleet may still make tables here (docs/SECURITY.md). What ends it:\n${left.map((line) => `  ${line}\n`).join('')}`,
    );
}

async function check(): Promise<number> {
  const { databaseUrl } = readSettings({ databaseUrl: databaseSettings.databaseUrl }, process.env);
  await using db = openDatabase({ url: databaseUrl, poolMax: 1, applicationName: 'penstock-migrate' });
  const { missing, unknown, takenAway, breaking } = await checkSchema(db);
  const say = (ok: boolean, text: string): void => {
    const mark = styleText(ok ? 'green' : 'red', ok ? '✓' : '✗', { stream: process.stdout });
    process.stdout.write(`${mark} ${text}\n`);
  };
  say(
    missing.length === 0,
    missing.length === 0
      ? 'the schema has every migration of this version'
      : `not applied: ${missing.join(', ')}; run "pnpm migrate" before this version`,
  );
  if (unknown.length > 0)
    say(
      takenAway.length === 0,
      takenAway.length === 0
        ? `a newer version added ${unknown.join(', ')}; this version runs beside it`
        : `a newer version took away what this one needs: ${takenAway.join(', ')}; run a newer version`,
    );
  if (missing.length > 0)
    say(
      breaking.length === 0,
      breaking.length === 0
        ? 'the version that made this schema goes on running when they are applied'
        : `the version that made this schema may need what these take away: ${breaking.join(', ')}; end it first, or deploy the version between`,
    );
  return missing.length + takenAway.length + breaking.length === 0 ? 0 : 1;
}
