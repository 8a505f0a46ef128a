import { expect, test } from 'vitest';
import { createEmptyDatabase } from '@penstock/db/testing/test-database';
import { testPostgresUrl } from '@penstock/local/test-services';
import { startProcess } from './harness/process.ts';
import { createTestSystem } from './harness/system.ts';

test('a worker and a console refuse a ledger whose schema is older than they are, and say how to mend it', async () => {
  await using system = await createTestSystem();
  await using empty = await createEmptyDatabase(testPostgresUrl());
  for (const name of ['worker', 'console']) {
    const started = await startProcess({
      name,
      script: `apps/${name}/src/main.ts`,
      env: { ...system.environment, DATABASE_URL: empty.url, CONSOLE_PASSWORD: 'a password of the tests' },
    });
    expect(await started.exited, started.output()).toEqual({ code: 78, signal: null });
    expect(started.output()).toContain('run "pnpm migrate" first');
  }
});

test('ingest and worker refuse a queue in PostgreSQL whose schema is missing, which pnpm migrate then makes', async () => {
  await using system = await createTestSystem();
  await using empty = await createEmptyDatabase(testPostgresUrl());
  const { REDIS_URL: _redis, ...environment } = system.environment;
  const onEmpty = { ...environment, QUEUE_DATABASE_URL: empty.url };
  for (const name of ['ingest', 'worker']) {
    const started = await startProcess({ name, script: `apps/${name}/src/main.ts`, env: onEmpty });
    expect(await started.exited, started.output()).toEqual({ code: 78, signal: null });
    expect(started.output()).toContain('run "pnpm migrate" first');
  }
  const migrated = await startProcess({ name: 'migrate', script: 'apps/worker/src/commands/migrate.ts', env: onEmpty });
  expect(await migrated.exited, migrated.output()).toEqual({ code: 0, signal: null });
  const ingest = await startProcess({ name: 'ingest', script: 'apps/ingest/src/main.ts', env: onEmpty });
  await ingest.waitForLine(/"listening/);
});
