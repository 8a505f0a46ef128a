import path from 'node:path';
import { defineConfig } from 'vitest/config';

/** Records what this version asks of the ledger; apart from `pnpm test`, which asks whether that still goes through. */
export default defineConfig({
  test: {
    dir: '.',
    include: ['tests/roll/record-queries.ts'],
    experimental: { viteModuleRunner: false },
    globalSetup: path.join(import.meta.dirname, '../harness/global-setup.ts'),
    setupFiles: path.join(import.meta.dirname, '../harness/after-each-file.ts'),
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
