import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { assertReachable, openDatabase } from '@penstock/db/database';
import { findProgram } from '@penstock/local/find-program';
import type { LocalServer } from '@penstock/local/local-service';
import { freePort } from '@penstock/local/ports';
import { postgresAccount } from '@penstock/local/postgres-account';
import { runServer } from '@penstock/local/run-server';

/** The first pgbouncer on PATH or where Debian puts it, or null. */
export function findPgbouncer(): string | null {
  return findProgram(['pgbouncer'], ['/usr/sbin']);
}

/** A private PgBouncer in transaction mode, with four connections to the database for any number of clients. */
export async function startPgbouncer(given: {
  readonly dir: string;
  readonly databaseUrl: string;
}): Promise<LocalServer> {
  const command = findPgbouncer();
  if (command === null) throw new Error('There is no pgbouncer on PATH. Install it: apt-get install pgbouncer');
  mkdirSync(given.dir, { recursive: true });
  const port = await freePort();
  const target = new URL(given.databaseUrl);
  const name = target.pathname.slice(1);
  const file = path.join(given.dir, `${name}.ini`);
  writeFileSync(
    file,
    `[databases]
${name} = host=127.0.0.1 port=${target.port} user=${target.username} password=${decodeURIComponent(target.password)}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
`,
  );
  const url = `postgres://anybody@127.0.0.1:${port}/${name}?pgbouncer=true`;
  return runServer({
    name: 'PgBouncer',
    url,
    port,
    command,
    args: [file],
    // It does not run as root.
    account: postgresAccount(),
    logFile: `${file}.log`,
    recordFile: `${file}.json`,
    mark: file,
    readyWithinMs: 10_000,
    probe: async () => {
      await using db = openDatabase({ url, poolMax: 1, applicationName: 'probe' });
      await assertReachable(db);
    },
    stopSteps: [
      { signal: 'SIGTERM', waitMs: 5_000 },
      { signal: 'SIGKILL', waitMs: 2_000 },
    ],
  });
}
