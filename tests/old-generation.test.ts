import { expect, test } from 'vitest';
import * as z from 'zod';
import { testPostgresUrl, testRedisUrl } from '@penstock/local/test-services';
import { runScript } from './harness/commands.ts';

/** They are 16 MB and more; V8's own tables and code take one or two. */
const GROWN_MAX = 6 * 1024 * 1024;

// Each ended in the old generation once, and every collection of the young one took its time to move it there
// (docs/decisions/0037).
test.each([
  { what: 'redis', of: 'commands to Redis', url: testRedisUrl },
  { what: 'postgres', of: 'statements to PostgreSQL', url: testPostgresUrl },
])('$of are over with their collection, and leave nothing behind', { timeout: 60_000 }, async ({ what, url }) => {
  const { code, stdout, stderr } = await runScript('tests/fixtures/old-generation.ts', [what, url()], {
    NODE_OPTIONS: '--max-semi-space-size=1',
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { grownBytes } = z.object({ grownBytes: z.number() }).parse(JSON.parse(stdout));
  expect(grownBytes).toBeLessThan(GROWN_MAX);
});
