import { availableParallelism } from 'node:os';
import { configDefaults, defineConfig } from 'vitest/config';
import { ClosingLine } from './tests/harness/closing-line.ts';

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
    setupFiles: ['./tests/harness/take-coverage.ts'],
    globalSetup: './tests/harness/global-setup.ts',
    reporters: ['default', new ClosingLine()],
    // Forks, because tests send signals to their own process and change its environment.
    pool: 'forks',
    // Half the cores, the other half being for PostgreSQL, Redis and the processes under test; on two cores both,
    // because most tests wait more than they work.
    maxWorkers: Math.max(2, Math.floor(availableParallelism() / 2)),
    // Tests start real processes: 30 s is far above what any takes, and far below a hang nobody notices.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
  },
});
