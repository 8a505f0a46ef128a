import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { parseArgs } from 'node:util';
import { findProgram } from '@penstock/local/find-program';

const usage = `Usage: pnpm prove:valkey [TEST FILE…]

Runs the tests of everything that is done with Redis on Valkey instead: the
queue, a queue that is away, shards, a cluster, sentinels, TLS, rate limits.
It needs a valkey-server on PATH (Debian 13: valkey-server; Debian 12 has it
among its backports). Other test files may be named.

Exit code that of the tests, or 78 where there is no valkey-server.
`;

const files = [
  'tests/webhook-queue.test.ts',
  'tests/queue-away.test.ts',
  'tests/queue-shards.test.ts',
  'tests/redis-cluster.test.ts',
  'tests/redis-sentinel.test.ts',
  'tests/tls.test.ts',
  'tests/rate-limit.test.ts',
  'packages/runtime/src/durable-redis.test.ts',
  'packages/runtime/src/add-jobs-together.test.ts',
];

const { values, positionals } = parseArgs({ allowPositionals: true, options: { help: { type: 'boolean' } } });
if (values.help === true) process.stdout.write(usage);
else process.exitCode = await main();

async function main(): Promise<number> {
  const server = findProgram(['valkey-server']);
  if (server === null) {
    process.stderr.write(`There is no valkey-server on PATH.\n\n${usage}`);
    return 78;
  }
  // The tests take a redis-server before a valkey-server, and no REDIS_URL may lead them elsewhere.
  const first = mkdtempSync(join(tmpdir(), 'penstock-valkey-'));
  try {
    symlinkSync(server, join(first, 'redis-server'));
    const { REDIS_URL: _, ...environment } = process.env;
    process.stderr.write(`on ${server}\n`);
    return await run(['run', ...(positionals.length > 0 ? positionals : files)], {
      ...environment,
      PATH: [first, process.env['PATH'] ?? ''].join(delimiter),
    });
  } finally {
    rmSync(first, { recursive: true });
  }
}

function run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const child = spawn('vitest', args, { env, stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}
