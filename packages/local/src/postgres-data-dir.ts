import { randomBytes } from 'node:crypto';
import { chownSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Account, giveTo, run } from './postgres-account.ts';

/** The owner of the database, a superuser. */
export const postgresUser = 'penstock';

/** A data directory, absolute, and the files beside it. */
export interface PostgresFiles {
  readonly dataDir: string;
  readonly password: string;
  readonly log: string;
  readonly record: string;
}

/** Names the files of a data directory. */
export function postgresFiles(path: string): PostgresFiles {
  const dataDir = resolve(path);
  return { dataDir, password: `${dataDir}.password`, log: `${dataDir}.log`, record: `${dataDir}.server.json` };
}

/** Makes the data directory and the password of its owner. */
export function createDataDir(options: {
  files: PostgresFiles;
  account: Account | null;
  initdb: string;
  /** Whether it must survive a failure of the machine from the start. */
  durable: boolean;
}): void {
  const { files, account, initdb, durable } = options;
  // Made under another name and renamed, so that a directory with the right name is always a complete one.
  const unfinished = `${files.dataDir}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  writeFileSync(files.password, randomBytes(24).toString('base64url'), { mode: 0o600 });
  if (account !== null) {
    chownSync(unfinished, account.uid, account.gid);
    chownSync(files.password, account.uid, account.gid);
  }
  const locale = ['--encoding=UTF8', '--no-locale'];
  const access = [`--username=${postgresUser}`, `--pwfile=${files.password}`, '--auth=scram-sha-256'];
  const sync = durable ? [] : ['--no-sync'];
  run(initdb, ['-D', unfinished, ...locale, ...access, ...sync], { account });
  renameSync(unfinished, files.dataDir);
}

/** Data made as root is used as another user later, or the other way round: the first is put right, the second said. */
export function takeOverDataDir(dataDir: string, account: Account | null): void {
  const ownerUid = statSync(dataDir).uid;
  if (account !== null) {
    if (ownerUid !== account.uid) giveTo(account, dataDir);
  } else if (process.getuid !== undefined && ownerUid !== process.getuid()) {
    throw new Error(`${dataDir} belongs to user id ${ownerUid}. Run as that user, or set PENSTOCK_HOME.`);
  }
}

/** Reads the password that was made with the data directory. */
export function readPassword(files: PostgresFiles): string {
  try {
    return readFileSync(files.password, 'utf8');
  } catch (cause) {
    throw new Error(`The password of ${files.dataDir} is missing. Restore ${files.password} or remove both.`, {
      cause,
    });
  }
}
