import { defineConfig } from 'vitest/config';

/** The core's own tests, which need no service: what a mutant is put to. */
export default defineConfig({
  test: {
    include: ['packages/core/src/**/*.test.ts'],
    setupFiles: ['./tests/harness/property-sizes.ts'],
    testTimeout: 30_000,
  },
});
