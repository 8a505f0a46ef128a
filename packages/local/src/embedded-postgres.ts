import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Client } from 'pg';
import type { LocalServer, OnProgress } from './local-service.ts';
import { freePort } from './ports.ts';
import { assertReachable, environmentForPostgres, postgresAccount } from './postgres-account.ts';
import { postgresBinaries } from './postgres-binaries.ts';
import { createDataDir, postgresFiles, postgresUser, readPassword, takeOverDataDir } from './postgres-data-dir.ts';
import { runServer } from './run-server.ts';
import type { StopStep } from './server-process.ts';
import { stopLeftover } from './server-record.ts';

/** Where a PostgreSQL keeps its data, and how it is to run. */
export interface EmbeddedPostgresOptions {
  readonly dataDir: string;
  readonly port?: number;
  readonly onProgress?: OnProgress;
  /** Server settings by name, as in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
}

const database = 'penstock';

// A "fast" shutdown rolls transactions back and writes a checkpoint; an
// "immediate" one leaves recovery to the next start and loses nothing either.
const stopSteps: readonly StopStep[] = [
  { signal: 'SIGINT', waitMs: 8_000 },
  { signal: 'SIGQUIT', waitMs: 6_000 },
  { signal: 'SIGKILL', waitMs: 2_000 },
];

/**
 * Starts the PostgreSQL that npm installed, on 127.0.0.1 only. The data
 * directory is made on the first start and used again on every other; the
 * password, the log and the record of the running server lie beside it.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<LocalServer> {
  const { onProgress = () => {}, settings = {} } = options;
  const files = postgresFiles(options.dataDir);
  mkdirSync(dirname(files.dataDir), { recursive: true });
  if ((await stopLeftover({ name: 'PostgreSQL', recordFile: files.record, steps: stopSteps })) === 'stopped') {
    onProgress('Stopped the PostgreSQL that a crash had left running.');
  }
  const account = postgresAccount();
  if (account !== null) assertReachable(files.dataDir, account);
  const binaries = postgresBinaries(account);
  if (!existsSync(files.dataDir)) {
    onProgress('Creating the PostgreSQL data directory.');
    createDataDir({ files, account, initdb: binaries.initdb, durable: settings['fsync'] !== 'off' });
  }
  takeOverDataDir(files.dataDir, account);

  const port = options.port ?? (await freePort());
  const password = readPassword(files);
  const url = `postgresql://${postgresUser}:${password}@127.0.0.1:${port}/${database}`;
  return runServer({
    name: 'PostgreSQL',
    url,
    port,
    command: binaries.postgres,
    args: ['-D', files.dataDir, ...settingArguments({ ...settings, port: String(port) })],
    env: environmentForPostgres(),
    account,
    logFile: files.log,
    recordFile: files.record,
    mark: files.dataDir,
    readyWithinMs: 60_000,
    probe: () => ensureDatabase(url),
    stopSteps,
  });
}

function settingArguments(settings: Readonly<Record<string, string>>): string[] {
  const fixed = { listen_addresses: '127.0.0.1', unix_socket_directories: '' };
  return Object.entries({ ...settings, ...fixed }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

async function ensureDatabase(url: string): Promise<void> {
  const maintenance = new URL(url);
  maintenance.pathname = '/postgres';
  const client = new Client({ connectionString: maintenance.href, connectionTimeoutMillis: 2_000 });
  // A connection cut off while the server starts is reported twice; the rejected promise is enough.
  client.on('error', () => {});
  await client.connect();
  try {
    const found = await client.query('select from pg_database where datname = $1', [database]);
    if (found.rowCount === 0) await client.query(`create database ${database}`);
  } finally {
    await client.end();
  }
}
