import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { obtainPostgres } from '@penstock/local/postgres';
import { obtainRedis } from '@penstock/local/redis';
import { killLeakedProcesses } from './process-records.ts';

// Runs the services of one test run: starts them, says where they are, waits
// for standard input to close, then stops them and removes the run's directory.

const runDir = process.argv[2];
if (runDir === undefined) throw new Error('Usage: services-host.ts <directory of the run>');

const say = (message: string): void => void process.stderr.write(`${message}\n`);

try {
  await using redis = await obtainRedis({ dir: join(runDir, 'redis'), onProgress: say });
  await using postgres = await obtainPostgres({
    dir: join(runDir, 'postgres'),
    onProgress: say,
    settings: {
      // The tests kill processes, never the machine, and what the system has
      // been handed survives the death of a process. Commits stay synchronous.
      fsync: 'off',
      // Every test file, and every process it starts, brings a pool of its own.
      max_connections: '300',
    },
  });
  process.stdout.write(`${JSON.stringify({ postgresUrl: postgres.url, redisUrl: redis.url })}\n`);

  await endOfRun();

  const leaked = await killLeakedProcesses(runDir);
  for (const name of leaked) say(`A test left a process running: ${name}`);
  if (leaked.length > 0) process.exitCode = 1;
} finally {
  rmSync(runDir, { recursive: true, force: true });
}

function endOfRun(): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => resolve();
    process.stdin.on('error', done).once('close', done).resume();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, done);
  });
}
