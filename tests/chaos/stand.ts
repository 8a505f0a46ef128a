import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sql } from 'kysely';
import { openDatabase, type LedgerDatabase } from '@penstock/db/database';
import { migrate } from '@penstock/db/migrate';
import { migrateQueue } from '@penstock/runtime/queue-backends';
import type { QueueLocation } from '@penstock/runtime/queue-location';
import { startPayPalSimulator } from '@penstock/start/paypal-simulator';
import { startProgram, type Program } from './fleet.ts';
import type { Plant } from './plants.ts';
import { createProvider, type Provider } from './provider.ts';
import { openLink, type Link } from './proxy.ts';
import { startPostgres, startRedis, type RedisService, type Service } from './services.ts';

/** Everything a run consists of, and what the harness holds it by. */
export interface Stand {
  readonly runDir: string;
  readonly programs: readonly Program[];
  readonly postgres: Service;
  /** Null where the queue lives in PostgreSQL. */
  readonly redis: RedisService | null;
  /** One for each program, in its order. */
  readonly redisLinks: readonly Link[];
  readonly postgresLinks: readonly Link[];
  readonly provider: Provider;
  /** Straight to the ledger, over no link. */
  readonly db: LedgerDatabase;
  /** Where the queue is, over no link. */
  readonly location: QueueLocation;
}

export interface StandOptions {
  readonly backend: 'redis' | 'postgres';
  readonly signal: AbortSignal;
  /** A bug the programs are to have, by its name in plants.ts; null for none. */
  readonly plant: Plant | null;
  /** Each ingest keeps what the queue cannot take in a folder of its own. */
  readonly spool: boolean;
  readonly say: (message: string) => void;
}

const INGESTS = 2;
const WORKERS = 3;
const stripeSecret = 'whsec_chaos_has_a_secret_too';
const paypalWebhookId = '4JH86294D6297924G';

/** A directory of the run, with a guard that ends whatever of it outlives this process. */
export function guardedDirectory(resources: AsyncDisposableStack): {
  readonly path: string;
  readonly keep: () => void;
} {
  const runDir = mkdtempSync(path.join(tmpdir(), 'penstock-chaos-'));
  // As root, PostgreSQL runs as another user, who has to pass through.
  chmodSync(runDir, 0o711);
  const guard = spawn(process.execPath, [path.join(import.meta.dirname, 'guard.ts'), runDir], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const gone = new Promise<void>((resolve) => guard.once('exit', () => resolve()));
  resources.defer(async () => {
    guard.stdin.end();
    await gone;
  });
  return { path: runDir, keep: () => guard.stdin.write('keep\n') };
}

/** Starts everything; `resources` ends it in reverse. */
export async function raiseStand(
  runDir: string,
  options: StandOptions,
  resources: AsyncDisposableStack,
): Promise<Stand> {
  const { backend, say } = options;
  const postgres = resources.use(await startPostgres(runDir));
  const redis = backend === 'redis' ? resources.use(await startRedis(runDir)) : null;
  say(`PostgreSQL ${redis === null ? 'runs' : 'and Redis run'}, data in ${runDir}`);
  const db = resources.use(openDatabase({ url: postgres.url, poolMax: 6, applicationName: 'chaos' }));
  await migrate(db);
  const location: QueueLocation = { backend, url: (redis ?? postgres).url, name: 'webhooks' };
  await migrateQueue(location);
  await prepareTables(db);
  if (options.plant !== null) await sql.raw(options.plant.sql).execute(db);

  const paypal = resources.use(await startPayPalSimulator(new Date()));
  const rootsFile = path.join(runDir, 'roots.pem');
  writeFileSync(rootsFile, paypal.rootPem);

  const environment = {
    STRIPE_WEBHOOK_SECRET: stripeSecret,
    PAYPAL_WEBHOOK_ID: paypalWebhookId,
    PAYPAL_SIMULATOR_URL: paypal.origin,
    TRUSTED_ROOTS_FILE: rootsFile,
    PENSTOCK_CONFIG: path.join(import.meta.dirname, 'chaos.config.ts'),
    LOG_LEVEL: 'warn',
    // Short, so that what a dead worker held, and what a queue lost, comes back within a fault's time.
    LOCK_MS: '3000',
    SWEEP_MS: '1000',
    SWEEP_GRACE_MS: '4000',
  };
  const fleet = await startFleet({ ...options, runDir, postgres, redis, environment }, resources);
  const provider = createProvider({
    urls: fleet.programs.filter(({ kind }) => kind === 'ingest').map(({ port }) => `http://127.0.0.1:${port}`),
    stripeSecret,
    paypalWebhookId,
    paypal,
    signal: options.signal,
  });
  return { runDir, ...fleet, postgres, redis, provider, db, location };
}

type Fleet = Pick<Stand, 'programs' | 'redisLinks' | 'postgresLinks'>;

/** Every program at once, each behind links of its own. */
async function startFleet(
  given: StandOptions &
    Pick<Stand, 'runDir' | 'postgres' | 'redis'> & { readonly environment: Readonly<Record<string, string>> },
  resources: AsyncDisposableStack,
): Promise<Fleet> {
  const { runDir, postgres, redis } = given;
  const redisLinks: Link[] = [];
  const postgresLinks: Link[] = [];
  const starting: Promise<Program>[] = [];
  for (const { name, kind } of [...numbered('ingest', INGESTS), ...numbered('worker', WORKERS)]) {
    const postgresLink = resources.use(await openLink(postgres));
    const databaseUrl = throughLink(postgres.url, postgresLink);
    postgresLinks.push(postgresLink);
    const environment: Record<string, string> = { ...given.environment };
    if (redis === null) environment['QUEUE_DATABASE_URL'] = databaseUrl;
    else {
      const redisLink = resources.use(await openLink(redis));
      redisLinks.push(redisLink);
      environment['REDIS_URL'] = throughLink(redis.url, redisLink);
    }
    if (kind === 'worker') environment['DATABASE_URL'] = databaseUrl;
    else if (given.spool) environment['SPOOL_DIR'] = path.join(runDir, `spool-${name}`);
    starting.push(startProgram({ name, kind, runDir, plant: given.plant?.name ?? null, environment }));
  }
  for (const started of await Promise.allSettled(starting))
    if (started.status === 'fulfilled') resources.use(started.value);
  const programs = await Promise.all(starting);
  given.say(`${programs.map(({ name }) => name).join(', ')} run`);
  return { programs, redisLinks, postgresLinks };
}

function numbered(kind: 'ingest' | 'worker', count: number) {
  return Array.from({ length: count }, (_, index) => ({ kind, name: `${kind}-${index + 1}` }));
}

function throughLink(url: string, link: Link): string {
  const changed = new URL(url);
  changed.port = String(link.port);
  return changed.href;
}

/** The harness's own tables; none has a unique key that could hide a second effect. */
async function prepareTables(db: LedgerDatabase): Promise<void> {
  await sql`create table chaos_effects (event_id text not null, handler text not null)`.execute(db);
  await sql`create table chaos_gates (name text not null, closed boolean not null)`.execute(db);
  await sql`create table chaos_repaired (event_id text not null)`.execute(db);
  await sql`insert into chaos_gates values ('every', false), ('held', false)`.execute(db);
}
