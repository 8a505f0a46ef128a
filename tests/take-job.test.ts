import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '@penstock/db/testing/test-database';
import { testPostgresUrl } from '@penstock/local/test-services';
import { PermanentError, toFailure } from '@penstock/core/failure';
import { openTaker } from '@penstock/worker/take-job';
import { processWorld } from '@penstock/worker/testing/process-world';

let database: TestDatabase;
beforeAll(async () => void (database = await createTestDatabase(testPostgresUrl())));
afterAll(() => database[Symbol.asyncDispose]());

test('a job that lost its worker once is taken like any other; one that lost two is tried alone', async () => {
  const error = new PermanentError('test', 'taken beside others');
  const beside: string[] = [];
  const taker = openTaker(
    { ...processWorld(database.db), crashesMax: 3, workerName: 'test' },
    {
      beside: async ({ jobId }) => {
        beside.push(jobId);
        return { kind: 'unreadable', failure: toFailure(error), error };
      },
    },
  );
  const job = { data: {}, attempt: 1 };
  await taker.take({ ...job, jobId: 'new' });
  await taker.take({ ...job, jobId: 'lost once', stalls: 1 });
  await taker.take({ ...job, jobId: 'lost twice', stalls: 2 });
  expect(beside).toEqual(['new', 'lost once']);
});
