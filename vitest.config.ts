import { availableParallelism } from 'node:os';
import { configDefaults, defineConfig } from 'vitest/config';
import { ClosingLine } from './tests/harness/closing-line.ts';
import { LongestFirst } from './tests/harness/longest-first.ts';

const include = [
  'packages/*/src/**/*.test.ts',
  'apps/*/src/**/*.test.ts',
  'tests/**/*.test.ts',
  'bench/src/**/*.test.ts',
  'examples/**/*.test.ts',
  'deploy/src/**/*.test.ts',
];

/** Every test of the repository, on one PostgreSQL and one Redis that live as long as the run. */
export default defineConfig({
  test: {
    include,
    exclude: [...configDefaults.exclude, '**/.penstock/**'],
    // Node loads the modules itself, as in production, and its own coverage counts every process a test starts.
    experimental: { viteModuleRunner: false },
    setupFiles: ['./tests/harness/after-each-file.ts', './tests/harness/property-sizes.ts'],
    globalSetup: './tests/harness/global-setup.ts',
    reporters: ['default', new ClosingLine()],
    // The files that one worker runs share its process. To start one and to load zod, Kysely and the rest of us takes
    // longer than most files' tests: the core's 85 files took 71 s of processor time apart, and 27 s so. It keeps them
    // honest as well: what a file leaves behind (a variable, a timer, a process) is left to the next one.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    // Forks, because tests send signals to their own process and change its environment.
    pool: 'forks',
    // Half the cores, the other half being for PostgreSQL, Redis and the processes under test; on two cores both,
    // because most tests wait more than they work.
    maxWorkers: Math.max(2, Math.floor(availableParallelism() / 2)),
    // Far above what a test takes, for a machine may be ten times as busy as it should be: only a hang is to fail by
    // it, and waiting longer for one costs nothing until it is there. It is twice what a condition is waited for
    // (tests/harness/until.ts), which says what was missing.
    testTimeout: 120_000,
    hookTimeout: 180_000,
    teardownTimeout: 30_000,
  },
});
