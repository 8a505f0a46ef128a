import { existsSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { freePort } from './ports.ts';
import { obtainPostgres } from './postgres.ts';
import { installRedisPackage } from './redis-package.ts';
import { pingRedis } from './redis-ping.ts';
import { findRedisServer } from './redis-server.ts';
import { obtainRedis } from './redis.ts';
import { testPostgresUrl, testRedisUrl } from './test-services.ts';
import { temporaryDirectory } from './testing.ts';

afterEach(() => vi.unstubAllEnvs());

test('REDIS_URL comes first, and that Redis is not stopped', async () => {
  await using home = await temporaryDirectory();
  vi.stubEnv('REDIS_URL', testRedisUrl());
  const redis = await obtainRedis({ dir: join(home.path, 'redis') });
  expect(redis.url).toBe(testRedisUrl());
  await redis.stop();
  await pingRedis(testRedisUrl());
  expect(existsSync(join(home.path, 'redis'))).toBe(false);
});

test('a REDIS_URL where nothing answers is an error that says so, not a reason to look elsewhere', async () => {
  await using home = await temporaryDirectory();
  vi.stubEnv('REDIS_URL', `redis://127.0.0.1:${await freePort()}`);
  const obtaining = obtainRedis({ dir: join(home.path, 'redis') });
  await expect(obtaining).rejects.toThrow('REDIS_URL is set but no Redis answers there.');
});

test('DATABASE_URL comes first, and no data directory is made', async () => {
  await using home = await temporaryDirectory();
  vi.stubEnv('DATABASE_URL', testPostgresUrl());
  await using postgres = await obtainPostgres({ dir: join(home.path, 'postgres') });
  expect(postgres.url).toBe(testPostgresUrl());
  expect(existsSync(join(home.path, 'postgres'))).toBe(false);
});

test.runIf(process.getuid?.() === 0)(
  'the package is installed without its service, and its server then found',
  async () => {
    await using home = await temporaryDirectory();
    const log = join(home.path, 'log');
    const server = join(home.path, 'redis-server');
    const script = `#!/bin/sh
echo "$RUNLEVEL $DEBIAN_FRONTEND $*" >> ${log}
case "$1" in install) echo > ${server}; /bin/chmod +x ${server};; esac`;
    await writeFile(join(home.path, 'apt-get'), script);
    await chmod(join(home.path, 'apt-get'), 0o755);
    vi.stubEnv('PATH', home.path);
    expect(findRedisServer()).toBeNull();
    installRedisPackage();
    expect(findRedisServer()).toBe(server);
    const calls = (await readFile(log, 'utf8')).trim().split('\n');
    expect(calls).toEqual([
      '1 noninteractive update -qq',
      expect.stringMatching(/^1 noninteractive install -y .*--no-install-recommends .*redis-server$/),
    ]);
  },
);
