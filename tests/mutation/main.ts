import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path, { matchesGlob } from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod';

/** Of the changed files together: a mutant costs some two seconds of processor, and there is one for each line or two. */
const LINES_MAX = 250;

const usage = `Usage: pnpm mutate [FILE…]
       pnpm mutate --changed [BASE]

Changes the core's code that verifies, folds and retries in small ways, one at a time, and looks whether a test
notices. Less than 85 % noticed is exit code 1.

  FILE…            instead of everything that tests/mutation/stryker.config.json names
  --changed BASE   only files changed since BASE; without it, since the branch left origin/main, or the last commit.
                   More than ${LINES_MAX} lines of such files are left to the full run.
`;

const root = path.join(import.meta.dirname, '../..');
const configFile = path.join(import.meta.dirname, 'stryker.config.json');
const configSchema = z.looseObject({ mutate: z.array(z.string()).min(1) });

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { changed: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
});
if (values.help) process.stdout.write(usage);
else process.exitCode = values.changed ? mutateChanged(positionals[0] ?? usualBase()) : mutate(positionals);

function mutateChanged(base: string | null): number {
  if (base === null) return pass('There is no commit to compare with: nothing is mutated.');
  const { mutate: patterns } = configSchema.parse(JSON.parse(readFileSync(configFile, 'utf8')));
  const names = git(['diff', '--name-only', '--diff-filter=d', base, '--', 'packages/core/src']);
  if (names === null) {
    process.stderr.write(`git knows no ${base}.\n`);
    return 64;
  }
  const changed = names.split('\n').filter((name) => patterns.some((pattern) => matchesGlob(name, pattern)));
  const lines = changed.reduce((sum, name) => sum + readFileSync(path.join(root, name), 'utf8').split('\n').length, 0);
  if (lines === 0) return pass(`Nothing that is mutated has changed since ${base}.`);
  if (lines > LINES_MAX)
    return pass(
      `NOT MUTATED: files of ${lines} lines have changed since ${base}; run \`pnpm mutate ${changed.join(' ')}\`.`,
    );
  return mutate(changed);
}

function mutate(chosen: readonly string[]): number {
  const only = chosen.length === 0 ? [] : ['--mutate', chosen.join(',')];
  const { status } = spawnSync(path.join(root, 'node_modules/.bin/stryker'), ['run', configFile, ...only], {
    cwd: root,
    stdio: 'inherit',
  });
  return status ?? 1;
}

function usualBase(): string | null {
  const head = git(['rev-parse', 'HEAD']);
  const left = git(['merge-base', 'HEAD', 'origin/main']);
  if (left !== null && left !== head) return left;
  return git(['rev-parse', '--verify', '--quiet', 'HEAD~1']);
}

function git(args: readonly string[]): string | null {
  try {
    return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return null;
  }
}

function pass(why: string): number {
  process.stdout.write(`${why}\n`);
  return 0;
}
