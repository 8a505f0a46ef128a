import { cpSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { testRunDir } from '@penstock/local/test-services';

const root = path.join(import.meta.dirname, '../..');

/**
 * This version's code with further migrations, in a folder of its own: what a
 * version after this one is to a database and to whoever starts it. Its paths
 * are told by `script`.
 */
export function aLaterVersion(migrations: Readonly<Record<string, string>>): {
  readonly script: (name: string) => string;
} {
  const folder = mkdtempSync(path.join(testRunDir(), 'version-'));
  for (const part of [
    'package.json',
    'apps',
    'packages',
    'migrations',
    'tests/package.json',
    'tests/harness',
    'tests/node_modules',
  ])
    // Links between the packages are relative, and lead to the packages beside them.
    cpSync(path.join(root, part), path.join(folder, part), { recursive: true, verbatimSymlinks: true });
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  for (const [name, text] of Object.entries(migrations))
    writeFileSync(path.join(folder, 'migrations', `${name}.sql`), text);
  return { script: (name) => path.join(folder, name) };
}
