import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, chownSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Redis } from 'ioredis';
import { sql } from 'kysely';
import { assertReachable, openDatabase } from '@penstock/db/database';
import { startEmbeddedPostgres } from '@penstock/local/embedded-postgres';
import type { LocalServer } from '@penstock/local/local-service';
import { freePort } from '@penstock/local/ports';
import { postgresAccount } from '@penstock/local/postgres-account';
import { startRedisServer } from '@penstock/local/redis-server';
import { runServer } from '@penstock/local/run-server';
import { repository } from './dockerfile.ts';

/** Reads a file of deploy/. */
export const deployFile = (file: string): string => readFileSync(path.join(repository, 'deploy', file), 'utf8');

const stopSteps = [
  { signal: 'SIGTERM', waitMs: 12_000 },
  { signal: 'SIGKILL', waitMs: 2_000 },
] as const;

/** Starts a program in the background, its log beside the other files of the run. */
export async function startServer(given: {
  readonly folder: string;
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly port: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly account?: { readonly uid: number; readonly gid: number } | null;
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
    stopSteps,
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

/** A Redis that knows the user of make-secrets.sh and nobody else. */
export async function startRedisWithUsers(given: { readonly folder: string; readonly secrets: string }) {
  const redis = await startRedisServer({ dir: path.join(given.folder, 'redis') });
  const admin = new Redis(redis.url);
  const users = readFileSync(path.join(given.secrets, 'redis-users.acl'), 'utf8').trim().split('\n').toReversed();
  for (const user of users) await admin.call('ACL', 'SETUSER', ...user.split(' ').slice(1));
  admin.disconnect();
  const password = readFileSync(path.join(given.secrets, 'redis-password'), 'utf8');
  return { server: redis, url: redis.url.replace('redis://', `redis://penstock:${password}@`) };
}

/** Where a URL of make-secrets.sh leads in this topology. */
export function urlAt(port: number, { secrets, name }: { readonly secrets: string; readonly name: string }): string {
  const url = new URL(readFileSync(path.join(secrets, name), 'utf8'));
  url.hostname = '127.0.0.1';
  url.port = String(port);
  return url.href;
}

/** A PostgreSQL that deploy/postgres/primary.sh has set up, and a replica that follows it with the role made for that. */
export async function startPostgresWithReplica(
  { folder, secrets }: { readonly folder: string; readonly secrets: string },
  resources: AsyncDisposableStack,
) {
  const dataDir = path.join(folder, 'primary');
  const first = await startEmbeddedPostgres({ dataDir });
  await setUpPrimary(first.url, secrets);
  appendFileSync(path.join(dataDir, 'pg_hba.conf'), 'host replication replicator samenet scram-sha-256\n');
  // npm's PostgreSQL has no pg_basebackup: the directory of one that is stopped is a base backup too, but for its slots.
  await first.stop();
  const copy = path.join(folder, 'replica');
  cpSync(dataDir, copy, { recursive: true });
  cpSync(`${dataDir}.password`, `${copy}.password`);
  rmSync(path.join(copy, 'pg_replslot/replica'), { recursive: true });
  chmodSync(copy, 0o700);
  writeFileSync(path.join(copy, 'standby.signal'), '');
  const account = postgresAccount();
  if (account !== null) {
    execFileSync('chown', ['-R', `${account.uid}:${account.gid}`, copy]);
    chownSync(`${copy}.password`, account.uid, account.gid);
  }
  const primary = resources.use(await startEmbeddedPostgres({ dataDir }));
  const password = readFileSync(path.join(secrets, 'replicator-password'), 'utf8');
  const primary_conninfo = `host=127.0.0.1 port=${primary.port} user=replicator password=${password} application_name=replica`;
  const replica = resources.use(
    await startEmbeddedPostgres({ dataDir: copy, settings: { primary_conninfo, primary_slot_name: 'replica' } }),
  );
  return { primary, replica };
}

/** What primary.sh has psql do, with the same passwords. */
async function setUpPrimary(url: string, secrets: string): Promise<void> {
  const script = deployFile('postgres/primary.sh');
  const variables = new Map(
    [...script.matchAll(/-v (?<variable>\w+)="\$\(secret (?<file>[\w-]+)\)"/g)].map(({ groups }) => [
      groups?.['variable'],
      readFileSync(path.join(secrets, groups?.['file'] ?? ''), 'utf8'),
    ]),
  );
  const statements = /<<'SQL'\n(?<statements>[\s\S]*)\nSQL\n/.exec(script)?.groups?.['statements'] ?? '';
  await using db = openDatabase({ url, poolMax: 1, applicationName: 'loopback' });
  for (const statement of statements.split('\n'))
    await sql
      .raw(statement.replace(/:'(?<variable>\w+)'/, (_, variable: string) => `'${variables.get(variable)}'`))
      .execute(db);
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

/** deploy/nginx/nginx.conf with addresses of loopback; everything it reads and writes is in `folder`. */
export function loopbackNginx(given: {
  readonly folder: string;
  readonly secrets: string;
  readonly publicPort: number;
  readonly consolePort: number;
  readonly ingests: readonly [number, number];
  readonly console: number;
}): string {
  const { folder, secrets, publicPort, consolePort, ingests } = given;
  mkdirSync(path.join(folder, 'nginx/allow'), { recursive: true });
  return deployFile('nginx/nginx.conf')
    .replaceAll(' /tmp/', ` ${folder}/nginx/`)
    .replace('listen 8443 ', `listen 127.0.0.1:${publicPort} `)
    .replace('listen 8444 ', `listen 127.0.0.1:${consolePort} `)
    .replace('172.28.7.11:8080', `127.0.0.1:${ingests[0]}`)
    .replace('172.28.7.12:8080', `127.0.0.1:${ingests[1]}`)
    .replace('172.28.7.30:8081', `127.0.0.1:${given.console}`)
    .replaceAll('/run/secrets', secrets)
    .replaceAll('/etc/nginx/penstock', path.join(folder, 'nginx'));
}
