import { borrowedService, type LocalService, type OnProgress } from './local-service.ts';
import { startRedisContainer } from './redis-container.ts';
import { installRedisPackage } from './redis-package.ts';
import { pingRedis } from './redis-ping.ts';
import { findRedisServer, startRedisServer } from './redis-server.ts';

/**
 * Obtains a real Redis, by the first of these ways that is open: the one that
 * `REDIS_URL` names; a server binary on PATH; a container; the distribution's
 * package, where the user may install it. It never goes without one.
 */
export async function obtainRedis(options: { dir: string; onProgress?: OnProgress }): Promise<LocalService> {
  const { dir, onProgress = () => {} } = options;
  const url = process.env['REDIS_URL'];
  if (url !== undefined && url !== '') return borrowedRedis(url);
  if (findRedisServer() !== null) return startRedisServer({ dir });
  onProgress('No redis-server on PATH: looking for a container engine.');
  const container = await startRedisContainer();
  if (container !== null) return container;
  installRedisPackage({ onProgress });
  if (findRedisServer() !== null) return startRedisServer({ dir });
  throw new Error(
    'No Redis to run on. Do one of these: install redis-server or valkey-server so that it is on PATH; ' +
      'start Docker or Podman; or set REDIS_URL to a Redis that runs already.',
  );
}

async function borrowedRedis(url: string): Promise<LocalService> {
  try {
    await pingRedis(url);
  } catch (cause) {
    throw new Error('REDIS_URL is set but no Redis answers there. Start it, or unset REDIS_URL.', { cause });
  }
  return borrowedService(url);
}
