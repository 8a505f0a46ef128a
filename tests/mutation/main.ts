import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path, { matchesGlob } from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { chooseLines, readChangedLines } from './changed-lines.ts';

/** Of the changed files together: a mutant costs one or two seconds of processor, and there is one for each line or two. */
const LINES_MAX = 250;

const usage = `Usage: pnpm mutate [FILE[:LINE-LINE]…]
       pnpm mutate --changed [BASE]

Changes the core's code that verifies, folds and retries in small ways, one at a time, and looks whether a test
notices. Less than 85 % noticed is exit code 1.

  FILE…            instead of everything that tests/mutation/stryker.config.json names
  --changed BASE   only files changed since BASE; without it, since the branch left origin/main, or the last commit.
                   Of more than ${LINES_MAX} lines of such files, ${LINES_MAX}: what has changed and what is around it, or,
                   where even that is more, pieces of it at equal distances. It says what is left to the full run.
`;

const root = path.join(import.meta.dirname, '../..');
const configFile = path.join(import.meta.dirname, 'stryker.config.json');
const configSchema = z.looseObject({ mutate: z.array(z.string()).min(1) });

/** Whatever the user's configuration of git; a file that was moved is a new one. */
const PLAIN_DIFF = [
  '--unified=0',
  '--diff-filter=d',
  '--no-renames',
  '--no-color',
  '--no-ext-diff',
  '--src-prefix=a/',
  '--dst-prefix=b/',
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { changed: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
});
if (values.help) process.stdout.write(usage);
else process.exitCode = values.changed ? mutateChanged(positionals[0] ?? usualBase()) : mutate(positionals);

function mutateChanged(base: string | null): number {
  if (base === null) return pass('NOT MUTATED: git has no commit to compare with here.');
  const { mutate: patterns } = configSchema.parse(JSON.parse(readFileSync(configFile, 'utf8')));
  const diff = git(['diff', ...PLAIN_DIFF, base, '--', 'packages/core/src']);
  if (diff === null) {
    process.stderr.write(`git knows no ${base}.\n`);
    return 64;
  }
  const files = [...readChangedLines(diff)]
    .filter(([name]) => patterns.some((pattern) => matchesGlob(name, pattern)))
    .map(([name, changed]) => ({ name, lineCount: lineCountOf(name), changed }));
  if (files.length === 0) return pass(`Nothing that is mutated has changed since ${base}.`);
  const { mutate: chosen, lines, leftOut } = chooseLines(files, LINES_MAX);
  process.stdout.write(`Changed since ${base}, ${lines} lines to mutate: ${chosen.join(' ')}\n`);
  const status = mutate(chosen);
  // Last, where it is read.
  if (leftOut.lines > 0)
    process.stdout.write(
      `NOT MUTATED: ${leftOut.lines} lines of these files, of which ${leftOut.changed} have changed; ` +
        `run \`pnpm mutate ${files.map(({ name }) => name).join(' ')}\`.\n`,
    );
  return status;
}

function lineCountOf(name: string): number {
  return readFileSync(path.join(root, name), 'utf8').trimEnd().split('\n').length;
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
    return execFileSync('git', args, {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 64 * 1024 * 1024,
    }).trim();
  } catch {
    return null;
  }
}

function pass(why: string): number {
  process.stdout.write(`${why}\n`);
  return 0;
}
