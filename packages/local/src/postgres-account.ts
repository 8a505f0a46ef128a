import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { dirname } from 'node:path';

/** The system account PostgreSQL runs as. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

const name = 'postgres';

/** Returns the account to run PostgreSQL as when we are root, which it refuses to run as; null when we are not. */
export function postgresAccount(): Account | null {
  if (process.getuid?.() !== 0) return null;
  return findAccount() ?? createAccount();
}

/** Throws when the account cannot reach a directory because one above it is closed to others. */
export function assertReachable(directory: string, account: Account): void {
  for (let above = dirname(directory); ; above = dirname(above)) {
    const { mode, uid, gid } = statSync(above);
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) {
      throw new Error(
        `PostgreSQL does not run as root, and the account "${name}" cannot reach ${directory} because ${above} ` +
          `is closed to it. Set PENSTOCK_HOME to a directory it can reach, such as /var/tmp/penstock.`,
      );
    }
    if (above === dirname(above)) return;
  }
}

/** Gives a directory, with everything in it, to the account. */
export function giveTo(account: Account, path: string): void {
  run('chown', ['-R', `${account.uid}:${account.gid}`, path]);
}

/** Runs a program to its end and returns what it printed; throws with its complaint when it fails. */
export function run(command: string, args: readonly string[], options: { account?: Account | null } = {}): string {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    cwd: '/',
    env: environmentForPostgres(),
    ...options.account,
  });
  if (error !== undefined) throw new Error(`${command} cannot be run.`, { cause: error });
  if (status !== 0) throw new Error(`${command} failed with status ${status}: ${stderr.trim() || stdout.trim()}`);
  return stdout.trim();
}

/** Ours without PGDATA, PGPORT and their like, which PostgreSQL's programs would obey. */
export function environmentForPostgres(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith('PG')));
}

function findAccount(): Account | null {
  const { status } = spawnSync('id', [name]);
  if (status !== 0) return null;
  return { uid: Number(run('id', ['-u', name])), gid: Number(run('id', ['-g', name])) };
}

function createAccount(): Account {
  try {
    if (spawnSync('getent', ['group', name]).status !== 0) run('groupadd', ['--system', name]);
    run('useradd', ['--system', '--gid', name, '--no-create-home', '--home-dir', '/', '--shell', '/bin/false', name]);
  } catch (cause) {
    throw new Error(
      `PostgreSQL does not run as root and the account "${name}" could not be created. ` +
        'Create it, run as another user, or set DATABASE_URL to a PostgreSQL that runs already.',
      { cause },
    );
  }
  const account = findAccount();
  if (account === null) throw new Error(`useradd reported success but the account "${name}" is not there.`);
  return account;
}
