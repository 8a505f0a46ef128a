import { randomUUID } from 'node:crypto';
import { createEmptyDatabase } from '@penstock/db/testing/test-database';
import { testPostgresUrl, testRedisUrl } from '@penstock/local/test-services';
import { migrateQueue } from '@penstock/runtime/queue-backends';
import type { QueueLocation } from '@penstock/runtime/queue-location';

export const queueBackends = ['redis', 'postgres'] as const;
export type QueueBackend = (typeof queueBackends)[number];

/** A queue of one test's own, on either backend. */
export async function createTestQueue(
  backend: QueueBackend,
): Promise<{ readonly location: QueueLocation; readonly environment: Record<string, string> } & AsyncDisposable> {
  const name = `test-${randomUUID().slice(0, 13)}`;
  if (backend === 'redis') {
    const url = testRedisUrl();
    return {
      location: { backend, url, name },
      environment: { REDIS_URL: url, QUEUE_NAME: name },
      [Symbol.asyncDispose]: async () => undefined,
    };
  }
  const database = await createEmptyDatabase(testPostgresUrl());
  const location: QueueLocation = { backend, url: database.url, name };
  await migrateQueue(location);
  return {
    location,
    environment: { QUEUE_DATABASE_URL: database.url, QUEUE_NAME: name },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}
