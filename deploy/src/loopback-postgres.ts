import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { assertReachable, openDatabase } from '@penstock/db/database';
import type { LocalServer } from '@penstock/local/local-service';
import { freePort } from '@penstock/local/ports';
import { giveTo, postgresAccount } from '@penstock/local/postgres-account';
import { compose, composeArguments, composeEnvironment } from './compose.ts';
import { deployFile, startServer } from './topology.ts';

interface Place {
  readonly folder: string;
  /** Everything of both servers, which are another user's. */
  readonly home: string;
  readonly secrets: string;
  readonly binaries: string;
}

/**
 * A PostgreSQL that deploy/postgres/primary.sh has set up, as the image's entry point does, and a replica that
 * deploy/postgres/replica.sh has made and follows with; both scripts run as they are, but for the names of other hosts
 * and the paths of their containers. Of Debian, for npm's PostgreSQL has neither psql nor pg_basebackup.
 */
export async function startPostgresWithReplica(
  { folder, secrets }: { readonly folder: string; readonly secrets: string },
  resources: AsyncDisposableStack,
): Promise<{ readonly primary: LocalServer; readonly replica: LocalServer; readonly adminUrl: string }> {
  const home = path.join(folder, 'postgres');
  const place = { folder, home, secrets: path.join(home, 'secrets'), binaries: debianPostgres() };
  mkdirSync(place.secrets, { recursive: true });
  // As the engine does: a container has those alone that compose names for it.
  for (const service of ['postgres', 'postgres-replica'])
    for (const name of compose.services[service]?.secrets ?? [])
      cpSync(path.join(secrets, name), path.join(place.secrets, name));
  const account = postgresAccount();
  if (account !== null) giveTo(account, home);

  const port = await freePort();
  const password = readFileSync(path.join(place.secrets, 'postgres-password'), 'utf8');
  const url = `postgres://penstock:${password}@127.0.0.1`;
  setUpPrimary(place, port);
  const data = path.join(home, 'primary');
  const primary = resources.use(
    await startServer({
      folder,
      name: 'postgres-primary',
      command: path.join(place.binaries, 'postgres'),
      args: [...composeArguments('postgres', {}), '-p', String(port), '-D', data],
      port,
      account,
      stopSignal: 'SIGINT',
      probe: () => answers(`${url}:${port}/penstock`),
    }),
  );
  const replicaPort = await freePort();
  const script = path.join(home, 'replica.sh');
  writeFileSync(script, localScript('replica.sh', place).replace('host=postgres ', `host=127.0.0.1 port=${port} `));
  const replica = resources.use(
    await startServer({
      folder,
      name: 'postgres-replica',
      command: 'bash',
      args: [script],
      port: replicaPort,
      env: environmentOf('postgres-replica', place, replicaPort),
      account,
      stopSignal: 'SIGINT',
      probe: () => answers(`${url}:${replicaPort}/penstock`),
    }),
  );
  return { primary, replica, adminUrl: `${url}:${port}/penstock` };
}

/** What the image's entry point does in an empty data directory, with a server that listens on a socket alone. */
function setUpPrimary(place: Place, port: number): void {
  const env = environmentOf('postgres', place, port);
  const data = path.join(place.home, 'primary');
  const run = (command: string, ...args: string[]) =>
    execFileSync(command, args, { cwd: '/', env, stdio: ['ignore', 'ignore', 'inherit'], ...postgresAccount() });
  const password = path.join(place.secrets, 'postgres-password');
  run('initdb', '--username=penstock', `--pwfile=${password}`, '--auth-local=trust', '--auth-host=scram-sha-256');
  appendFileSync(path.join(data, 'postgresql.conf'), `unix_socket_directories = '${place.home}'\n`);
  const log = path.join(place.home, 'set-up.log');
  run('pg_ctl', '--wait', `--log=${log}`, '--options', `-c listen_addresses='' -p ${port}`, 'start');
  run('createdb', '--username=penstock', 'penstock');
  const script = path.join(place.home, 'primary.sh');
  writeFileSync(script, localScript('primary.sh', place));
  run('bash', script);
  run('pg_ctl', '--wait', '--mode=fast', 'stop');
}

/** What compose and the image give the script, and where the server of this run is. */
function environmentOf(service: string, { home, binaries }: Place, port: number): Record<string, string> {
  return {
    ...composeEnvironment(service, {}),
    PATH: `${binaries}:${process.env['PATH']}`,
    PGDATA: path.join(home, service === 'postgres' ? 'primary' : 'replica'),
    PGHOST: home,
    PGPORT: String(port),
  };
}

function localScript(name: string, { secrets }: Place): string {
  return deployFile(`postgres/${name}`).replaceAll('/run/secrets', secrets);
}

async function answers(url: string): Promise<void> {
  await using db = openDatabase({ url, poolMax: 1, applicationName: 'probe' });
  await assertReachable(db);
}

/** The folder of the newest one's programs. */
function debianPostgres(): string {
  const root = '/usr/lib/postgresql';
  const [newest] = (existsSync(root) ? readdirSync(root) : []).toSorted((one, other) => Number(other) - Number(one));
  if (newest === undefined) throw new Error(`There is no PostgreSQL in ${root}: apt-get install postgresql.`);
  return path.join(root, newest, 'bin');
}
