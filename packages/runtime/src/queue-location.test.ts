import { expect, test } from 'vitest';
import { queueLocation } from './queue-location.ts';

const nothing = {
  redisUrl: undefined,
  queueDatabaseUrl: undefined,
  queueName: 'webhooks',
  queueReplicas: undefined,
  queueShards: 1,
  payloadKeys: undefined,
};

test.each([
  ['redis://redis', undefined, 0],
  ['redis+cluster://a,b', undefined, 1],
  ['redis+sentinel://a,b/queue', undefined, 1],
  ['redis+cluster://a,b', 0, 0],
  ['redis://redis', 2, 2],
])('%s with QUEUE_REPLICAS=%s waits for %s', (redisUrl, queueReplicas, replicas) => {
  expect(queueLocation({ ...nothing, redisUrl, queueReplicas })).toMatchObject({ replicas });
});

test.each([
  [{ redisUrl: 'redis://a,b', queueReplicas: 1 }, 'REDIS_URL names several hosts'],
  [{ queueDatabaseUrl: 'postgres://db', queueShards: 2 }, 'QUEUE_SHARDS is 2, and a queue in PostgreSQL has no shards'],
  [{ redisUrl: 'redis://a', queueDatabaseUrl: 'postgres://db' }, 'are both set'],
])('%j is refused: %s', (given, reason) => {
  expect(() => queueLocation({ ...nothing, ...given })).toThrow(reason);
});
