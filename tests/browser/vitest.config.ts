import path from 'node:path';
import { defineConfig } from 'vitest/config';

/** The proof that needs a Chromium; apart from `pnpm test`, which needs none. */
export default defineConfig({
  test: {
    dir: '.',
    include: ['tests/browser/*.prove.ts'],
    globalSetup: path.join(import.meta.dirname, '../harness/global-setup.ts'),
    setupFiles: path.join(import.meta.dirname, '../harness/after-each-file.ts'),
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
