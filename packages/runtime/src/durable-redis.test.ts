import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findRedisServer, startRedisServer, type RedisServerOptions } from '@penstock/local/redis-server';
import { temporaryDirectory } from '@penstock/local/testing';
import { assertDurable } from './durable-redis.ts';
import { awaitReady, connectProducer } from './redis.ts';
import { watchReplicas } from './replicas.ts';

let home: AsyncDisposable & { path: string };
beforeAll(async () => {
  home = await temporaryDirectory();
});
afterAll(async () => home[Symbol.asyncDispose]());

async function aRedis(name: string, options: Omit<RedisServerOptions, 'dir'>) {
  const server = await startRedisServer({ dir: join(home.path, name), ...options });
  const redis = connectProducer(server.url);
  await awaitReady(redis);
  return {
    server,
    redis,
    replicas: watchReplicas(redis, { url: server.url, least: 0 }),
    [Symbol.asyncDispose]: async () => {
      redis.disconnect();
      await server.stop();
    },
  };
}

// Where Redis comes in a container there is no server of ours to misconfigure; the closing line then counts these as skipped.
describe.runIf(findRedisServer() !== null)('whether Redis keeps what it acknowledges', () => {
  test('a durable one does', async () => {
    await using given = await aRedis('durable', {});
    await expect(assertDurable(given.redis, given.replicas)).resolves.toBeUndefined();
  });

  test('one that does not is told each setting that is wrong and how to mend it', async () => {
    await using given = await aRedis('forgetful', { durable: false, extraArgs: ['--maxmemory-policy', 'allkeys-lru'] });
    await expect(assertDurable(given.redis, given.replicas)).rejects.toThrow(
      'Redis may lose acknowledged events: appendonly is no, must be yes (CONFIG SET appendonly yes); appendfsync is everysec, must be always (CONFIG SET appendfsync always); maxmemory-policy is allkeys-lru, must be noeviction (CONFIG SET maxmemory-policy noeviction)',
    );
  });

  test('doing what it says mends it, and one setting alone is enough to fail', async () => {
    await using given = await aRedis('mended', { durable: false });
    await given.redis.config('SET', 'appendonly', 'yes');
    await expect(assertDurable(given.redis, given.replicas)).rejects.toThrow(
      /^Redis may lose acknowledged events: appendfsync is everysec[^;]*$/,
    );
    await given.redis.config('SET', 'appendfsync', 'always');
    await expect(assertDurable(given.redis, given.replicas)).resolves.toBeUndefined();
    await given.redis.config('SET', 'maxmemory-policy', 'volatile-ttl');
    await expect(assertDurable(given.redis, given.replicas)).rejects.toThrow(/maxmemory-policy is volatile-ttl/);
  });

  test('one that will not say does not count as durable', async () => {
    await using given = await aRedis('silent', { extraArgs: ['--rename-command', 'CONFIG', ''] });
    await expect(assertDurable(given.redis, given.replicas)).rejects.toThrow(/unknown command/);
  });
});
