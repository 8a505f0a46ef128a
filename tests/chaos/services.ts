import { execFile } from 'node:child_process';
import { cp, readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { startEmbeddedPostgres } from '@penstock/local/embedded-postgres';
import type { LocalServer } from '@penstock/local/local-service';
import { startRedisServer } from '@penstock/local/redis-server';
import { recordProcess } from '../harness/process-records.ts';
import { until } from '../harness/until.ts';

const run = promisify(execFile);

/** A Redis or a PostgreSQL that faults befall: the same data and port through every restart. */
export interface Service extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly end: (how: 'kill' | 'stop') => Promise<void>;
  /** Starts it where it does not run; tries again while what a crash left behind is in the way. */
  readonly start: () => Promise<void>;
  readonly isRunning: () => boolean;
  readonly freeze: () => Promise<void>;
  readonly thaw: () => Promise<void>;
}

async function startService(
  launch: (port: number | undefined) => Promise<LocalServer>,
  record: (server: LocalServer) => void,
): Promise<Service> {
  let server: LocalServer | null = await launch(undefined);
  record(server);
  const { url, port } = server;
  const signalAll = async (signal: NodeJS.Signals): Promise<void> => {
    if (server === null) return;
    for (const pid of [server.pid, ...(await childrenOf(server.pid))]) {
      try {
        process.kill(pid, signal);
      } catch {
        // Gone meanwhile.
      }
    }
  };
  const end = async (how: 'kill' | 'stop'): Promise<void> => {
    await signalAll('SIGCONT');
    await (how === 'kill' ? server?.kill() : server?.stop());
    server = null;
  };
  return {
    url,
    port,
    end,
    start: async () => {
      if (server !== null && isAlive(server.pid)) return;
      server = await until(() => launch(port), {
        what: `the server on port ${port} to start again`,
        deadlineMs: 60_000,
        everyMs: 200,
      });
      record(server);
    },
    isRunning: () => server !== null && isAlive(server.pid),
    freeze: () => signalAll('SIGSTOP'),
    thaw: () => signalAll('SIGCONT'),
    [Symbol.asyncDispose]: () => end('stop'),
  };
}

/** PostgreSQL as npm brings it, durable as in production. */
export function startPostgres(runDir: string): Promise<Service> {
  const dataDir = path.join(runDir, 'postgres');
  return startService(
    (port) =>
      startEmbeddedPostgres({ dataDir, settings: { max_connections: '200' }, ...(port === undefined ? {} : { port }) }),
    ({ pid }) => recordProcess(runDir, { pid, mark: dataDir }),
  );
}

/** A Redis with what only a Redis can suffer. */
export interface RedisService extends Service {
  /** Every write from now on finds the disk full; Redis ends itself then. Returns what gives the space back. */
  readonly fillDisk: () => Promise<void>;
  readonly fillMemory: () => Promise<() => Promise<void>>;
  readonly flushAll: () => Promise<void>;
  /** Keeps what is on disk at this moment; what it returns kills Redis and starts it from that. */
  readonly keepAof: () => Promise<() => Promise<void>>;
  /** Clients by the name or address they give, the asking one left out. */
  readonly clients: () => Promise<number>;
}

/** Redis as production must run it: appendonly, fsync always, nothing evicted. */
export async function startRedis(runDir: string): Promise<RedisService> {
  const dir = path.join(runDir, 'redis');
  let pid = 0;
  const service = await startService(
    (port) => startRedisServer({ dir, ...(port === undefined ? {} : { port }) }),
    (server) => {
      pid = server.pid;
      recordProcess(runDir, { pid, mark: `127.0.0.1:${server.port}` });
    },
  );
  const ask = <Answer>(question: (redis: Redis) => Promise<Answer>): Promise<Answer> =>
    withRedis(service.url, question);
  return {
    ...service,
    fillDisk: async () => {
      // No file of this process may grow past the AOF's present end, as on a disk with nothing left.
      await run('prlimit', ['--pid', String(pid), `--fsize=${await appendedBytes(path.join(dir, 'appendonlydir'))}:`]);
    },
    fillMemory: async () => {
      await ask((redis) => redis.config('SET', 'maxmemory', '1'));
      return () => ask(async (redis) => void (await redis.config('SET', 'maxmemory', '0')));
    },
    flushAll: () => ask(async (redis) => void (await redis.flushall())),
    keepAof: async () => {
      const kept = path.join(runDir, 'redis-kept');
      await rm(kept, { recursive: true, force: true });
      await ask(async (redis) => {
        // A rewrite during the copy would leave a manifest that names files the copy lacks.
        await redis.config('SET', 'auto-aof-rewrite-percentage', '0');
        while (/aof_rewrite_in_progress:1/.test(await redis.info('persistence'))) await sleep(50);
      });
      await cp(dir, kept, { recursive: true });
      await ask((redis) => redis.config('SET', 'auto-aof-rewrite-percentage', '100'));
      return async () => {
        await service.end('kill');
        await rm(dir, { recursive: true });
        await cp(kept, dir, { recursive: true });
        await service.start();
      };
    },
    clients: () =>
      ask(async (redis) => {
        const list = String(await redis.client('LIST'));
        return list.trim().split('\n').length - 1;
      }),
  };
}

/** Straight to Redis, over no link. */
async function withRedis<Answer>(url: string, question: (redis: Redis) => Promise<Answer>): Promise<Answer> {
  const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 20, retryStrategy: () => 250 });
  redis.on('error', () => undefined);
  try {
    return await question(redis);
  } finally {
    redis.disconnect();
  }
}

async function appendedBytes(dir: string): Promise<number> {
  const growing = (await readdir(dir)).filter((name) => name.endsWith('.incr.aof'));
  const sizes = await Promise.all(growing.map(async (name) => (await stat(path.join(dir, name))).size));
  return Math.max(1, ...sizes);
}

/** PostgreSQL serves each connection from a process of its own. */
async function childrenOf(pid: number): Promise<readonly number[]> {
  if (process.platform === 'linux') {
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
    return children.trim() === '' ? [] : children.trim().split(' ').map(Number);
  }
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid=']);
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([child, parent]) => (parent === pid && child !== undefined ? [child] : []));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
