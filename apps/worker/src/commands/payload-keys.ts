import { randomBytes } from 'node:crypto';
import { ConfigurationError } from '@penstock/core/failure';
import type { PayloadKeys } from '@penstock/core/payload-keys';
import { openDatabase, type LedgerDatabase } from '@penstock/db/database';
import { assertMigrated } from '@penstock/db/migrate';
import { recordOperatorAction } from '@penstock/db/operator-actions';
import { countByKey, resealBatch, sealedTables, type RowsByKey, type SealedTable } from '@penstock/db/reseal';
import { readSettings } from '@penstock/runtime/env';
import { countJobsByKey } from '@penstock/runtime/jobs-by-key';
import { queueLocation } from '@penstock/runtime/queue-location';
import { databaseSettings, queueSettings, sharedSettings } from '@penstock/runtime/shared-settings';
import { openWebhookQueue } from '@penstock/runtime/webhook-queue';
import { operatorOf, readFlags, runOperatorCommand, UsageError, EXIT_USAGE, writeJson } from './operator-command.ts';
import { createProgress } from './progress.ts';

const usage = `Usage: pnpm payload-keys new [ID]
       pnpm payload-keys status [--json]
       pnpm payload-keys rotate [--dry-run]
       pnpm payload-keys check

Bodies and messages are sealed with the first key of PAYLOAD_KEYS and opened with
any of them (docs/SECURITY.md).

  new        prints a new key, "ID:base64"; ID is today's date unless given
  status     how many rows of each table each key has sealed, and how many lie plain
  rotate     seals what lies plain or under another key with the first one: 200
             rows or 8 MiB at a time, each committed by itself. Ended at any
             point, it goes on from there when it is started again.
  check      for each key, how many rows and how many jobs of the queue, dead
             letters among them, it has sealed. Exit code 1 where that is so of a
             key other than the first, which may not be taken away yet, or of one
             that PAYLOAD_KEYS lacks. Spools of ingest are not looked at.
  --dry-run  changes nothing: what rotate would do
  --help     this text

status, rotate and check need PAYLOAD_KEYS, and DATABASE_URL of the role that owns
the tables: the workers' may not change what is stored; check needs the queue, too
(REDIS_URL or QUEUE_DATABASE_URL). Exit code 1 where a row does
not open, and 130 where rotate was ended by Ctrl-C.
`;

/** Reading the beginnings of a large table takes long, and is watched by whoever started it. */
const STATEMENT_MS_MAX = 3_600_000;
const EXIT_INTERRUPTED = 130;
/** More are counted and not listed. */
const REFUSED_SHOWN = 20;

await runOperatorCommand(async (args) => {
  const { values, positionals } = readFlags(args, {
    'dry-run': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  });
  const [command, ...rest] = positionals;
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (rest.length > (command === 'new' ? 1 : 0)) throw new UsageError(`${rest.at(-1)} is one word too many`);
  switch (command) {
    case 'new':
      return makeKey(rest[0] ?? new Date().toISOString().slice(0, 10));
    case 'status':
      return withLedger(async (db) => status(db, values));
    case 'rotate':
      return withLedger((db, keys) => (values['dry-run'] ? foretell(db, keys) : rotate(db, keys)));
    case 'check':
      return withLedger(check);
    default:
      process.stderr.write(usage);
      return EXIT_USAGE;
  }
});

function makeKey(id: string): number {
  if (!/^[a-z0-9][a-z0-9-]{0,31}$/.test(id))
    throw new UsageError('the id must be 1 to 32 lower-case letters, digits and hyphens');
  process.stdout.write(`${id}:${randomBytes(32).toString('base64')}\n`);
  return 0;
}

async function withLedger(work: (db: LedgerDatabase, keys: PayloadKeys) => Promise<number>): Promise<number> {
  const { databaseUrl, payloadKeys } = readSettings(
    { databaseUrl: databaseSettings.databaseUrl, payloadKeys: sharedSettings.payloadKeys },
    process.env,
  );
  if (payloadKeys === undefined)
    throw new ConfigurationError(['PAYLOAD_KEYS is missing: the key to seal with, and those that opened until now']);
  await using db = openDatabase({
    url: databaseUrl,
    poolMax: 1,
    applicationName: 'penstock-payload-keys',
    statementTimeoutMs: STATEMENT_MS_MAX,
    silenceMs: STATEMENT_MS_MAX,
    payloadKeys,
  });
  await assertMigrated(db);
  return await work(db, payloadKeys);
}

async function status(db: LedgerDatabase, { json }: { readonly json: boolean }): Promise<number> {
  const counts = await countAll(db);
  if (json) {
    writeJson(Object.fromEntries(counts.map(([table, rows]) => [table, Object.fromEntries(named(rows))])));
    return 0;
  }
  for (const [table, rows] of counts)
    process.stdout.write(
      `${table.padEnd(14)} ${
        named(rows)
          .map(([key, count]) => `${key} ${count}`)
          .join(', ') || 'empty'
      }\n`,
    );
  return 0;
}

/** What rotate leaves alone is in the queue: a key is done with only where nothing there needs it either. */
async function check(db: LedgerDatabase, keys: PayloadKeys): Promise<number> {
  await using queue = openWebhookQueue(queueLocation(readSettings(queueSettings, process.env)));
  await queue.connected();
  // The queue first: what a worker stores meanwhile is among the rows then.
  const jobs = await countJobsByKey(queue);
  const rows = new Map<string | null, number>();
  for (const [, counts] of await countAll(db))
    for (const [key, count] of counts) rows.set(key, (rows.get(key) ?? 0) + count);
  let inUse = 0;
  for (const key of new Set([...keys.keys.keys(), ...rows.keys(), ...jobs.keys()])) {
    const [ofLedger, ofQueue] = [rows.get(key) ?? 0, jobs.get(key) ?? 0];
    const verdict = verdictOn(key, { keys, isUsed: ofLedger + ofQueue > 0 });
    if (verdict.inTheWay) inUse += 1;
    process.stdout.write(`${key ?? 'plain'}: ${ofLedger} rows, ${ofQueue} jobs; ${verdict.words}\n`);
  }
  return inUse > 0 ? 1 : 0;
}

function verdictOn(
  key: string | null,
  { keys, isUsed }: { readonly keys: PayloadKeys; readonly isUsed: boolean },
): { readonly words: string; readonly inTheWay: boolean } {
  if (key === null) return { words: 'not sealed', inTheWay: false };
  if (key === keys.active) return { words: 'the active key', inTheWay: false };
  if (!keys.keys.has(key)) return { words: 'missing from PAYLOAD_KEYS', inTheWay: true };
  return isUsed ? { words: 'still needed', inTheWay: true } : { words: 'may be taken away', inTheWay: false };
}

async function foretell(db: LedgerDatabase, keys: PayloadKeys): Promise<number> {
  for (const [table, rows] of await countAll(db))
    process.stdout.write(`${table.padEnd(14)} ${left(rows, keys)} rows would be sealed with ${keys.active}\n`);
  return 0;
}

async function rotate(db: LedgerDatabase, keys: PayloadKeys): Promise<number> {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  const progress = createProgress();
  let refused = 0;
  const operator = operatorOf(undefined);
  const details = { key: keys.active };
  await recordOperatorAction(db, { operator, action: 'payloads.rotate', target: 'payloads', reason: null, details });
  for (const [table, rows] of await countAll(db)) {
    const of = left(rows, keys);
    let done = 0;
    for (let afterId: number | null = 0; afterId !== null;) {
      if (stop.signal.aborted) {
        progress.end();
        process.stdout.write(`Stopped; what is sealed stays so. "pnpm payload-keys rotate" goes on from here.\n`);
        return EXIT_INTERRUPTED;
      }
      const batch = await resealBatch(db, { table, afterId, keys });
      afterId = batch.lastId;
      done += batch.rows;
      progress.show({ what: table, done, of });
      for (const row of batch.refused.slice(0, Math.max(0, REFUSED_SHOWN - refused)))
        process.stderr.write(`${table} ${row.id}: ${row.code}\n`);
      refused += batch.refused.length;
    }
    progress.end();
    process.stdout.write(`${table.padEnd(14)} ${done} rows sealed with ${keys.active}\n`);
  }
  if (refused > 0) process.stderr.write(`${refused} rows did not open and are as they were.\n`);
  return refused > 0 ? 1 : 0;
}

async function countAll(db: LedgerDatabase): Promise<readonly (readonly [SealedTable, RowsByKey])[]> {
  const counts: (readonly [SealedTable, RowsByKey])[] = [];
  for (const table of sealedTables) counts.push([table, await countByKey(db, table)]);
  return counts;
}

function named(rows: RowsByKey): readonly (readonly [string, number])[] {
  return [...rows].map(([key, count]) => [key ?? 'plain', count]);
}

function left(rows: RowsByKey, { active }: PayloadKeys): number {
  return [...rows].reduce((sum, [key, count]) => (key === active ? sum : sum + count), 0);
}
