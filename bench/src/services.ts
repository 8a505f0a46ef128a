import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { openDatabase } from '@penstock/db/database';
import { migrate } from '@penstock/db/migrate';
import { startEmbeddedPostgres } from '@penstock/local/embedded-postgres';
import { startRedisServer } from '@penstock/local/redis-server';
import { migrateQueue } from '@penstock/runtime/queue-backends';
import { postmasterOf } from './processor-time.ts';

/** A durable Redis and PostgreSQL that live as long as the benchmark. */
export interface BenchServices extends AsyncDisposable {
  readonly redisUrl: string;
  readonly redis: Redis;
  /** An OTLP/HTTP receiver that takes everything and keeps nothing. */
  readonly collectorUrl: string;
  /** A folder of this run, gone after it. */
  readonly dir: string;
  /** A new database with the ledger's schema, the queue's too, and a table that the handler writes to. */
  readonly createDatabase: () => Promise<string>;
  /** The servers' processes. */
  readonly processes: { readonly postgres: number; readonly redis: number };
}

/** Redis writes every command to disk before it answers; PostgreSQL has its defaults but for its memory: 512 MB of buffers. */
export async function startServices(): Promise<BenchServices> {
  const stack = new AsyncDisposableStack();
  const dir = mkdtempSync(path.join(tmpdir(), 'penstock-bench-'));
  stack.defer(() => rmSync(dir, { recursive: true, force: true }));
  // PostgreSQL does not run as root, and its account must reach its data.
  chmodSync(dir, 0o755);
  try {
    const server = stack.use(await startRedisServer({ dir: path.join(dir, 'redis') }));
    const postgres = stack.use(
      await startEmbeddedPostgres({
        dataDir: path.join(dir, 'postgres'),
        settings: {
          shared_buffers: '512MB',
          max_wal_size: '4GB',
          max_connections: '200',
        },
      }),
    );
    const redis = new Redis(server.url);
    stack.defer(() => redis.disconnect());
    const collector = stack.use(await startSink());
    const processes = {
      postgres: postmasterOf(path.join(dir, 'postgres')),
      redis: Number(/^process_id:(\d+)/m.exec(await redis.info('server'))?.[1]),
    };
    let databases = 0;
    return {
      collectorUrl: collector.url,
      redisUrl: server.url,
      redis,
      dir,
      processes,
      createDatabase: () => {
        databases += 1;
        return createDatabase(postgres.url, `bench_${databases}`);
      },
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function createDatabase(serverUrl: string, name: string): Promise<string> {
  const admin = new Pool({ connectionString: serverUrl, max: 1 });
  await admin.query(`create database ${name}`);
  await admin.end();
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  await using db = openDatabase({ url: url.href, poolMax: 1, applicationName: 'penstock-bench' });
  await migrate(db);
  await migrateQueue({ backend: 'postgres', url: url.href, name: 'webhooks' });
  const pool = new Pool({ connectionString: url.href, max: 1 });
  // Without a unique key: an effect applied twice is seen as two rows.
  await pool.query('create table bench_effects (event_id text not null)');
  await pool.end();
  return url.href;
}

async function startSink(): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((request, response) => {
    request.resume().once('end', () => response.writeHead(200).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
