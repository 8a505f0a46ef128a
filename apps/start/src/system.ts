import { mkdirSync, writeFileSync, existsSync, readFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { openDatabase, type LedgerDatabase } from '@penstock/db/database';
import { migrate } from '@penstock/db/migrate';
import { startEmbeddedPostgres } from '@penstock/local/embedded-postgres';
import { portOrFree } from '@penstock/local/ports';
import { findRedisServer, startRedisServer } from '@penstock/local/redis-server';
import { ConfigurationError } from '@penstock/core/failure';
import { migrateQueue } from '@penstock/runtime/queue-backends';
import type { DemoKeys } from './demo-events.ts';
import type { StartOptions } from './options.ts';
import { startPayPalSimulator } from './paypal-simulator.ts';
import { endLeftPrograms, startProgram, type ProgramName } from './processes.ts';
import { print, step, styled } from './terminal.ts';

/** The whole system, running. */
export interface RunningSystem {
  readonly db: LedgerDatabase;
  readonly keys: DemoKeys;
  readonly webhooksUrl: string;
  readonly consoleUrl: string;
  readonly consolePassword: string;
  /** Of who may replay, retry and discard. */
  readonly operatorPassword: string;
  /** A file that gives the commands their variables: `. <file>`. */
  readonly environmentFile: string;
  /** Health and metrics of each process. */
  readonly privateUrls: Readonly<Record<ProgramName, string>>;
}

/** Starts everything, in the order it depends on each other; `resources` ends it in reverse. */
export async function startSystem(options: StartOptions, resources: AsyncDisposableStack): Promise<RunningSystem> {
  const { home } = options;
  mkdirSync(home, { recursive: true, mode: 0o755 });
  // Before their ports are looked for, and before the services that they use are.
  const ended = await endLeftPrograms(home);
  if (ended.length > 0)
    print(`  ${styled('yellow', '!')} a start that crashed had left running: ${ended.join(', ')}; ended`);

  const databaseUrl = options.databaseUrl ?? (await startDatabase(home, resources));
  const queue =
    options.redisUrl === undefined
      ? await startQueue({ home, databaseUrl }, resources)
      : { REDIS_URL: options.redisUrl };
  const db = resources.use(openDatabase({ url: databaseUrl, poolMax: 2, applicationName: 'penstock-start' }));
  await step('schema migrated', async (note) => {
    const applied = await migrate(db);
    if (queue.QUEUE_DATABASE_URL !== undefined)
      await migrateQueue({ backend: 'postgres', url: queue.QUEUE_DATABASE_URL, name: 'webhooks' });
    note(applied.length === 0 ? 'up to date' : applied.join(', '));
  });

  const paypal = resources.use(await startPayPalSimulator(new Date()));
  const rootsFile = path.join(home, 'demo-roots.pem');
  writeFileSync(rootsFile, paypal.rootPem);
  const keys: DemoKeys = {
    stripeSecret: `whsec_${randomBytes(24).toString('hex')}`,
    paypalWebhookId: randomBytes(8).toString('hex').toUpperCase(),
    paypal,
  };

  const ports = await choosePorts(options);
  const consolePassword = options.consolePassword ?? keptPassword(home, 'console-password');
  const operatorPassword = keptPassword(home, 'operator-password');
  const environmentFile = writeEnvironment(home, { ...queue, DATABASE_URL: databaseUrl });
  const common = {
    ...queue,
    DATABASE_URL: databaseUrl,
    PENSTOCK_CONFIG: path.join(import.meta.dirname, 'demo.config.ts'),
    PENSTOCK_DEMO_STRIPE_SECRET: keys.stripeSecret,
    PENSTOCK_DEMO_PAYPAL_WEBHOOK_ID: keys.paypalWebhookId,
    PENSTOCK_DEMO_PAYPAL_ORIGIN: paypal.origin,
    TRUSTED_ROOTS_FILE: rootsFile,
    ...ownCanarySecret(),
  };
  const { DATABASE_URL: _kept, ...withoutDatabase } = common;
  // User's own variables, such as provider secrets, reach the processes; the ledger's address does not reach ingest.
  const inherited = ownVariables();
  const start = async (name: ProgramName, healthPort: number, environment: Record<string, string>): Promise<string> =>
    step(
      name,
      async () =>
        resources.use(await startProgram({ name, home, healthPort, environment: { ...inherited, ...environment } }))
          .url,
    );

  const webhooksUrl = `http://127.0.0.1:${ports.ingest}/webhooks/`;
  const worker = await start('worker', ports.workerHealth, { ...common, CANARY_URL: `${webhooksUrl}canary` });
  const console = await start('console', ports.consoleHealth, {
    ...common,
    PORT: String(ports.console),
    CONSOLE_PASSWORD: consolePassword,
    CONSOLE_OPERATOR_PASSWORD: operatorPassword,
  });
  // Last up and first down: what is accepted finds somebody to work on it.
  const ingest = await start('ingest', ports.ingestHealth, {
    // The disk of a busy laptop may take longer than production gives it, and nobody sends the demonstration again.
    ENQUEUE_MS: inherited['ENQUEUE_MS'] ?? '5000',
    ...withoutDatabase,
    PORT: String(ports.ingest),
  });
  return {
    db,
    keys,
    webhooksUrl,
    consoleUrl: `http://127.0.0.1:${ports.console}/`,
    consolePassword,
    operatorPassword,
    environmentFile,
    privateUrls: { ingest, worker, console },
  };
}

async function startDatabase(home: string, resources: AsyncDisposableStack): Promise<string> {
  return step('PostgreSQL', async (note) => {
    const dataDir = path.join(home, 'postgres');
    note(existsSync(dataDir) ? 'embedded, with the data of the last start' : 'embedded, new');
    return resources.use(await startEmbeddedPostgres({ dataDir })).url;
  });
}

interface QueueVariables {
  readonly REDIS_URL?: string;
  readonly QUEUE_DATABASE_URL?: string;
}

async function startQueue(
  place: { readonly home: string; readonly databaseUrl: string },
  resources: AsyncDisposableStack,
): Promise<QueueVariables> {
  return step('queue', async (note) => {
    const binary = findRedisServer();
    if (binary === null) {
      note('in the same PostgreSQL; a redis-server or valkey-server on PATH would be used instead');
      return { QUEUE_DATABASE_URL: place.databaseUrl };
    }
    const redis = resources.use(await startRedisServer({ dir: path.join(place.home, 'redis') }));
    note(`a private Redis (${binary}), every write on disk before it is acknowledged`);
    return { REDIS_URL: redis.url };
  });
}

/** A default port that is taken gives way to a free one and says so; one that was asked for is an error. */
async function choosePorts(options: StartOptions) {
  return {
    ingest: await choosePort({ asked: options.port, preferred: 8080, what: 'webhooks' }),
    console: await choosePort({ asked: options.consolePort, preferred: 8081, what: 'the console' }),
    ingestHealth: await choosePort({ asked: undefined, preferred: 9080, what: "ingest's metrics" }),
    workerHealth: await choosePort({ asked: undefined, preferred: 9081, what: "the worker's metrics" }),
    consoleHealth: await choosePort({ asked: undefined, preferred: 9082, what: "the console's metrics" }),
  };
}

async function choosePort({
  asked,
  preferred,
  what,
}: {
  readonly asked: number | undefined;
  readonly preferred: number;
  readonly what: string;
}): Promise<number> {
  const { port, moved } = await portOrFree(asked ?? preferred);
  if (moved && asked !== undefined)
    throw new ConfigurationError([
      `port ${asked} for ${what} is taken by another process; choose another or stop that one`,
    ]);
  if (moved) print(`  ${styled('yellow', '!')} port ${preferred} is taken: ${what} moved to ${port}`);
  return port;
}

/** Made once and kept beside the data, so that a bookmark and a password manager go on working. */
function keptPassword(home: string, name: 'console-password' | 'operator-password'): string {
  const file = path.join(home, name);
  if (!existsSync(file)) writeFileSync(file, randomBytes(12).toString('base64url'), { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}

/** Where this run's services are, for commands run beside it; passwords of PostgreSQL are in it. */
function writeEnvironment(home: string, variables: QueueVariables & { readonly DATABASE_URL: string }): string {
  const file = path.join(home, 'environment');
  const lines = Object.entries(variables).map(
    ([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'\n`,
  );
  writeFileSync(file, lines.join(''), { mode: 0o600 });
  return file;
}

/** A secret of this run's for the canary, where the user has set none. */
function ownCanarySecret(): { readonly CANARY_SECRET?: string } {
  const isSet = ['CANARY_SECRET', 'CANARY_SECRET_FILE'].some((name) => (process.env[name] ?? '') !== '');
  return isSet ? {} : { CANARY_SECRET: `whsec_${randomBytes(24).toString('base64')}` };
}

/** What the user set, less what this run decides itself. */
function ownVariables(): Record<string, string> {
  const decided = new Set([
    'PORT',
    'CONSOLE_PORT',
    'HEALTH_PORT',
    'HOST',
    'DATABASE_URL',
    'REDIS_URL',
    'QUEUE_DATABASE_URL',
    'PENSTOCK_CONFIG',
    'NODE_ENV',
    'CONSOLE_PASSWORD',
  ]);
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value === undefined || decided.has(name) ? [] : [[name, value]],
    ),
  );
}
