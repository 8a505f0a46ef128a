import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { findProgram } from './find-program.ts';
import type { LocalServer } from './local-service.ts';
import { freePort } from './ports.ts';
import { redisProcessId } from './redis-ping.ts';
import { runServer } from './run-server.ts';
import type { StopStep } from './server-process.ts';
import { stopLeftover } from './server-record.ts';

/** Where a Redis keeps its data, and how it is to run. */
export interface RedisServerOptions {
  readonly dir: string;
  readonly port?: number;
  /** Every write is on disk before it is acknowledged, and none is evicted. True unless said otherwise. */
  readonly durable?: boolean;
  readonly extraArgs?: readonly string[];
}

/** What production must set too: without these a Redis may forget what it has acknowledged. */
export const durableRedisArguments: readonly string[] = toArguments({
  appendonly: 'yes',
  appendfsync: 'always',
  'maxmemory-policy': 'noeviction',
  save: '',
});

const stopSteps: readonly StopStep[] = [
  { signal: 'SIGTERM', waitMs: 5_000 },
  { signal: 'SIGKILL', waitMs: 2_000 },
];

/** Returns the first Redis or Valkey server on PATH, or null. */
export function findRedisServer(): string | null {
  return findProgram(['redis-server', 'valkey-server']);
}

/**
 * Starts a private Redis on 127.0.0.1 with its data in `dir`; its log and the
 * record of the running server lie beside it. Starting again on the same
 * directory and port after `kill` is the restart after a crash.
 */
export async function startRedisServer(options: RedisServerOptions): Promise<LocalServer> {
  const command = findRedisServer();
  if (command === null) throw new Error('There is no redis-server or valkey-server on PATH. Install one of them.');
  const dir = resolve(options.dir);
  const recordFile = `${dir}.server.json`;
  mkdirSync(dir, { recursive: true });
  await stopLeftover({ name: 'Redis', recordFile, steps: stopSteps });

  const port = options.port ?? (await freePort());
  const url = `redis://127.0.0.1:${port}`;
  const place = toArguments({ bind: '127.0.0.1', port: String(port), dir, daemonize: 'no' });
  const durability = (options.durable ?? true) ? durableRedisArguments : toArguments({ appendonly: 'no', save: '' });
  return runServer({
    name: 'Redis',
    url,
    port,
    command,
    args: [...place, ...durability, ...(options.extraArgs ?? [])],
    logFile: `${dir}.log`,
    recordFile,
    // Once it listens, a Redis replaces its command line by its name and address.
    mark: `127.0.0.1:${port}`,
    readyWithinMs: 30_000,
    probe: (pid) => answersAs(pid, url),
    stopSteps,
  });
}

function toArguments(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
}

/** Somebody else's Redis may have taken the port since it was found free; that one must not pass for ours. */
async function answersAs(pid: number, url: string): Promise<void> {
  const answering = await redisProcessId(url);
  if (answering !== pid) throw new Error(`Process ${answering} answers at ${url} in place of ${pid}.`);
}
