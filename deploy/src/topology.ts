import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Redis } from 'ioredis';
import { assertReachable, openDatabase } from '@penstock/db/database';
import type { LocalServer } from '@penstock/local/local-service';
import { freePort } from '@penstock/local/ports';
import { giveTo, postgresAccount } from '@penstock/local/postgres-account';
import { runServer } from '@penstock/local/run-server';
import { composeArguments } from './compose.ts';
import { repository } from './dockerfile.ts';

/** Reads a file of deploy/. */
export const deployFile = (file: string): string => readFileSync(path.join(repository, 'deploy', file), 'utf8');

/** Starts a program in the background, its log beside the other files of the run. */
export async function startServer(given: {
  readonly folder: string;
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly port: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly account?: { readonly uid: number; readonly gid: number } | null;
  /** As its image has it; SIGTERM unless said otherwise. */
  readonly stopSignal?: NodeJS.Signals;
  readonly probe: () => Promise<void>;
}): Promise<LocalServer> {
  const files = path.join(given.folder, given.name);
  return runServer({
    ...given,
    url: `http://127.0.0.1:${given.port}`,
    env: { PATH: process.env['PATH'], ...given.env },
    logFile: `${files}.log`,
    recordFile: `${files}.server.json`,
    mark: given.args.at(-1) ?? given.command,
    readyWithinMs: 60_000,
    stopSteps: [
      { signal: given.stopSignal ?? 'SIGTERM', waitMs: 12_000 },
      { signal: 'SIGKILL', waitMs: 2_000 },
    ],
  });
}

/** Succeeds where the address answers 200. */
export async function assertAnswers(url: string): Promise<void> {
  const { ok, status } = await fetch(url);
  if (!ok) throw new Error(`${url} answers ${status}`);
}

/** deploy/make-secrets.sh, in the folder of the run. */
export function makeSecrets(folder: string, host = 'localhost'): string {
  writeFileSync(path.join(folder, 'make-secrets.sh'), deployFile('make-secrets.sh'));
  execFileSync('sh', [path.join(folder, 'make-secrets.sh'), host], { stdio: 'ignore' });
  return path.join(folder, 'secrets');
}

/**
 * Redis by the command of compose and the users of make-secrets.sh, and nobody beside them but one who may ask what was
 * denied to them.
 */
export async function startRedisWithUsers(given: { readonly folder: string; readonly secrets: string }) {
  const dir = path.join(given.folder, 'redis');
  mkdirSync(dir);
  const users = path.join(dir, 'users.acl');
  const watcher = randomBytes(16).toString('hex');
  writeFileSync(
    users,
    `${readFileSync(path.join(given.secrets, 'redis-users.acl'), 'utf8')}user watcher on >${watcher} -@all +acl|log\n`,
  );
  const account = postgresAccount();
  if (account !== null) giveTo(account, dir);
  const port = await freePort();
  const password = readFileSync(path.join(given.secrets, 'redis-password'), 'utf8');
  const url = `redis://penstock:${password}@127.0.0.1:${port}`;
  const own = composeArguments('redis', { '/run/secrets/redis-users.acl': users });
  const server = await startServer({
    folder: given.folder,
    name: 'redis-server',
    command: 'redis-server',
    args: [...own, '--bind', '127.0.0.1', '--dir', dir, '--port', String(port)],
    port,
    account,
    probe: async () => {
      const redis = new Redis(url, { lazyConnect: true, retryStrategy: null });
      redis.on('error', () => {});
      await redis.ping().finally(() => redis.disconnect());
    },
  });
  return { server, url, watcherUrl: `redis://watcher:${watcher}@127.0.0.1:${port}` };
}

/** Where a URL of make-secrets.sh leads in this topology. */
export function urlAt(port: number, { secrets, name }: { readonly secrets: string; readonly name: string }): string {
  const url = new URL(readFileSync(path.join(secrets, name), 'utf8'));
  url.hostname = '127.0.0.1';
  url.port = String(port);
  return url.href;
}

/** deploy/pgbouncer/pgbouncer.ini, before this database, with the users of make-secrets.sh. */
export async function startBouncer(given: {
  readonly folder: string;
  readonly secrets: string;
  readonly databasePort: number;
}): Promise<LocalServer> {
  const { folder, secrets } = given;
  const port = await freePort();
  const own = path.join(folder, 'pgbouncer');
  mkdirSync(own);
  const users = path.join(own, 'users');
  const file = path.join(own, 'pgbouncer.ini');
  // It runs as another user, who may not look into the folder of the secrets.
  cpSync(path.join(secrets, 'pgbouncer-users'), users);
  writeFileSync(
    file,
    deployFile('pgbouncer/pgbouncer.ini')
      .replace('host=postgres port=5432', `host=127.0.0.1 port=${given.databasePort}`)
      .replace('0.0.0.0', '127.0.0.1')
      .replace('6432', String(port))
      .replace('/run/secrets/pgbouncer-users', users),
  );
  return startServer({
    folder,
    name: 'pgbouncer-server',
    command: '/usr/sbin/pgbouncer',
    args: [file],
    port,
    account: postgresAccount(),
    probe: async () => {
      const url = urlAt(port, { secrets, name: 'worker-database-url' });
      await using db = openDatabase({ url, poolMax: 1, applicationName: 'probe' });
      await assertReachable(db);
    },
  });
}
