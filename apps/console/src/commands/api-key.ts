import { randomBytes } from 'node:crypto';
import { parseArgs, styleText } from 'node:util';
import { ConfigurationError } from '@penstock/core/failure';
import { insertApiKey, listApiKeys, revokeApiKey, type ApiKey } from '@penstock/db/api-keys';
import { openDatabase, type LedgerDatabase } from '@penstock/db/database';
import { assertMigrated } from '@penstock/db/migrate';
import { recordOperatorAction, type Operator } from '@penstock/db/operator-actions';
import { commandOperator } from '@penstock/runtime/command-operator';
import { readSettings } from '@penstock/runtime/env';
import { runCommand } from '@penstock/runtime/lifecycle';
import { databaseSettings } from '@penstock/runtime/shared-settings';
import { makeApiKey, readApiKey, scopes } from '../api/api-key.ts';

const usage = `Usage: pnpm api-key create --name NAME --scopes SCOPE,… [--expires 90d] [--by NAME]
       pnpm api-key list [--json]
       pnpm api-key revoke ID [--by NAME]

Keys of the read API, which the console serves at /api.

  --name NAME      who uses it: 1 to 100 characters
  --scopes S,…     what it may read: ${scopes.join(', ')}
  --expires 90d    how long it holds, in days (d) or hours (h); for ever where left out
  --by NAME        who does it, for the audit; the user of this machine unless said
  --json           for machines
  ID               the key's name for itself: psk_<ID>_…; the whole key does too
  --help           this text

create prints the key on standard output, once: what is kept is a hash of it.
revoke holds from that moment. Needs DATABASE_URL. Exit code 1 where there is no such key.
`;

/** `pnpm api-key`: makes, lists and revokes keys of the read API. */
await runCommand(async () => {
  const { command, values, id } = readArguments();
  if (command === undefined || values.help) {
    (values.help ? process.stdout : process.stderr).write(usage);
    process.exitCode = values.help ? 0 : 64;
    return;
  }
  const wanted = command === 'create' ? readWanted(values) : null;
  const { databaseUrl } = readSettings({ databaseUrl: databaseSettings.databaseUrl }, process.env);
  await using db = openDatabase({ url: databaseUrl, poolMax: 1, applicationName: 'penstock-api-key' });
  await assertMigrated(db);
  const operator = commandOperator(values.by);
  if (wanted !== null) await create(db, wanted, operator);
  else if (command === 'list') await list(db, values);
  else await revoke(db, id ?? '', operator);
});

interface WantedKey {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly expiresMs: number | null;
}

async function create(db: LedgerDatabase, wanted: WantedKey, operator: Operator): Promise<void> {
  const key = makeApiKey(randomBytes);
  const createdAt = new Date();
  const expiresAt = wanted.expiresMs === null ? null : new Date(createdAt.getTime() + wanted.expiresMs);
  await db.transaction().execute(async (tx) => {
    await insertApiKey(tx, { ...key, name: wanted.name, scopes: wanted.scopes, createdAt, expiresAt });
    const details = { name: wanted.name, scopes: wanted.scopes, expiresAt };
    await recordOperatorAction(tx, { operator, action: 'key.create', target: `key:${key.id}`, reason: null, details });
  });
  process.stderr.write(
    `Key ${key.id} for ${wanted.name}: ${wanted.scopes.join(', ')}; ${expiresAt === null ? 'does not expire' : `expires ${expiresAt.toISOString()}`}.\nIt is shown this once:\n`,
  );
  process.stdout.write(`${key.token}\n`);
}

async function list(db: LedgerDatabase, { json }: { readonly json: boolean }): Promise<void> {
  const keys = await listApiKeys(db);
  if (json) {
    process.stdout.write(
      `${JSON.stringify(
        keys.map(({ secretSha256: _secret, ...key }) => key),
        null,
        2,
      )}\n`,
    );
    return;
  }
  if (keys.length === 0) process.stdout.write('There is no key yet: pnpm api-key create\n');
  for (const key of keys) {
    process.stdout.write(`${styleText('bold', key.id)}  ${key.name}  ${stateOf(key, new Date())}\n`);
    process.stdout.write(
      `  ${key.scopes.join(', ')}; made ${day(key.createdAt)}, last used ${key.lastUsedAt === null ? 'never' : day(key.lastUsedAt)}\n`,
    );
  }
}

async function revoke(db: LedgerDatabase, given: string, operator: Operator): Promise<void> {
  const id = readApiKey(given)?.id ?? given;
  const revoked = await db.transaction().execute(async (tx) => {
    const known = await revokeApiKey(tx, { id, at: new Date() });
    if (known)
      await recordOperatorAction(tx, {
        operator,
        action: 'key.revoke',
        target: `key:${id}`,
        reason: null,
        details: {},
      });
    return known;
  });
  if (revoked) {
    process.stdout.write(`Revoked.\n`);
    return;
  }
  process.stderr.write('There is no such key; pnpm api-key list tells those there are.\n');
  process.exitCode = 1;
}

function stateOf(key: ApiKey, now: Date): string {
  if (key.revokedAt !== null) return styleText('red', `revoked ${day(key.revokedAt)}`);
  if (key.expiresAt === null) return styleText('green', 'holds');
  return key.expiresAt <= now
    ? styleText('red', `expired ${day(key.expiresAt)}`)
    : styleText('green', `holds until ${day(key.expiresAt)}`);
}

function day(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        name: { type: 'string' },
        by: { type: 'string' },
        scopes: { type: 'string' },
        expires: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const [command, id, ...more] = positionals;
    if (command !== undefined && !['create', 'list', 'revoke'].includes(command))
      throw new Error(`there is no command ${command}; --help tells those there are`);
    if (more.length > 0 || (command !== 'revoke' && id !== undefined)) throw new Error('there is an argument too many');
    if (command === 'revoke' && id === undefined) throw new Error('name the key that is to be revoked');
    return { command, values, id };
  } catch (error) {
    throw new ConfigurationError([error instanceof Error ? error.message : String(error)]);
  }
}

function readWanted(values: {
  readonly name?: string | undefined;
  readonly scopes?: string | undefined;
  readonly expires?: string | undefined;
}): WantedKey {
  const wantedScopes = [...new Set((values.scopes ?? '').split(',').filter((scope) => scope !== ''))];
  const known = new Set<string>(scopes);
  const [, count, unit] = /^([1-9]\d{0,4})([dh])$/.exec(values.expires ?? '') ?? [];
  const problems = [
    ...(values.name !== undefined && /^.{1,100}$/u.test(values.name)
      ? []
      : ['--name must be 1 to 100 characters that say who uses the key']),
    ...(wantedScopes.length > 0 ? [] : [`--scopes must name at least one of ${scopes.join(', ')}`]),
    ...wantedScopes
      .filter((scope) => !known.has(scope))
      .map((scope) => `--scopes: there is no ${scope}, only ${scopes.join(', ')}`),
    ...(values.expires === undefined || count !== undefined ? [] : ['--expires must be days or hours, as 90d or 12h']),
  ];
  if (problems.length > 0) throw new ConfigurationError(problems);
  const expiresMs = count === undefined ? null : Number(count) * (unit === 'd' ? 86_400_000 : 3_600_000);
  return { name: values.name ?? '', scopes: wantedScopes, expiresMs };
}
