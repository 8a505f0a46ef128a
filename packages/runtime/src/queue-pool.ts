import { createRequire } from 'node:module';
import { isPgPool, type PgPool } from 'bullmq';
import type * as Driver from 'pg';
import { ConfigurationError } from '@penstock/core/failure';

/**
 * A pool as BullMQ's PostgreSQL backend takes it. It must be a built pool: the
 * backend cannot load `pg` by itself in an ES module, and with a built pool it
 * leaves naming its schema to the caller.
 */
export function openQueuePool(options: {
  readonly url: string;
  readonly max: number;
  readonly applicationName: string;
  /**
   * Whether a commit may return before it is on disk. For a worker's own: what a crash of the server takes back, jobs
   * taken and finished within the last moment, is done again, and the ledger knows the event. Never for what adds jobs.
   */
  readonly mayForget?: boolean;
}): PgPool {
  const pool = new (loadDriver().Pool)({
    connectionString: options.url,
    max: options.max,
    connectionTimeoutMillis: 2_000,
    // BullMQ's statements take milliseconds: one without an answer is on a connection whose other end is gone without a
    // word, and the pool then puts another in its place.
    query_timeout: 30_000,
    keepAlive: true,
    application_name: options.applicationName,
    options: `-c search_path=bullmq${options.mayForget === true ? ' -c synchronous_commit=off' : ''}`,
  });
  // An idle connection that drops is replaced; without a listener it would end the process.
  pool.on('error', () => undefined);
  // So would one that drops while in use, whose query is told as well.
  pool.on('connect', (client) => client.on('error', () => undefined));
  if (!isPgPool(pool)) throw new TypeError('BullMQ does not recognise the PostgreSQL pool of this version of pg');
  return pool;
}

/**
 * PostgreSQL's driver, loaded where the queue lives in PostgreSQL and nowhere
 * else: it is an optional dependency, which ingest's image goes without
 * (deploy/Dockerfile). Throws ConfigurationError where it is not installed.
 */
function loadDriver(): typeof Driver {
  try {
    return createRequire(import.meta.url)('pg');
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'MODULE_NOT_FOUND')) throw cause;
    throw new ConfigurationError([
      'QUEUE_DATABASE_URL needs the package pg, which is not installed here; use REDIS_URL, or install the optional dependencies',
    ]);
  }
}
