import { spawnSync } from 'node:child_process';
import type { OnProgress } from './local-service.ts';

/**
 * Installs the distribution's redis-server where we are root and there is
 * apt-get; does nothing elsewhere. A failure is left to the caller to notice:
 * the binary is then still not on PATH.
 */
export function installRedisPackage({ onProgress = () => {} }: { onProgress?: OnProgress } = {}): void {
  if (process.getuid?.() !== 0) return;
  onProgress('No container engine answers: installing the package redis-server with apt-get.');
  // Run level 1 keeps the package from starting a service of its own on the usual port.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const apt = (args: readonly string[]): boolean =>
    spawnSync('apt-get', args, { stdio: ['ignore', 'ignore', 'inherit'], env, timeout: 300_000 }).status === 0;
  if (!apt(['update', '-qq'])) return;
  apt(['install', '-y', '-qq', '--no-install-recommends', '-o', 'Dpkg::Options::=--force-confold', 'redis-server']);
}
