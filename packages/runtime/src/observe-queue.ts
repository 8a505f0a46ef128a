import type { Metrics } from './metrics.ts';
import { queueStates, type WebhookQueue } from './webhook-queue.ts';

/** Reads the queue into its gauges; BullMQ and Redis keep what is read, nothing is scanned. */
export async function observeQueue(
  queue: Pick<WebhookQueue, 'counts' | 'oldestWaiting' | 'assertReady' | 'redisFacts'>,
  metrics: Metrics,
  now: Date,
): Promise<void> {
  const durable = await queue.assertReady().then(
    () => 1,
    () => 0,
  );
  metrics.queueDurable.set(durable);
  const [counts, oldest, redis] = await Promise.all([queue.counts(), queue.oldestWaiting(), queue.redisFacts()]);
  for (const state of queueStates) metrics.queueDepth.set({ state }, counts[state]);
  metrics.oldestWaiting.set(oldest === null ? 0 : Math.max(0, (now.getTime() - oldest.getTime()) / 1_000));
  if (redis === null) return;
  metrics.redisMemoryUsed.set(redis.memoryUsedBytes);
  metrics.redisMemoryMax.set(redis.memoryMaxBytes);
  metrics.redisAofOk.set(redis.aofLastWriteOk ? 1 : 0);
  metrics.redisReplicas.set(redis.replicas);
  if (redis.replicaLagBytes === null) metrics.redisReplicaLag.remove();
  else metrics.redisReplicaLag.set(redis.replicaLagBytes);
}
