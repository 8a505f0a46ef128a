import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import * as z from 'zod';

const [redisUrl, concurrency] = z.tuple([z.string(), z.coerce.number()]).parse(process.argv.slice(2, 4));

// BullMQ alone, doing nothing with what it takes: no worker that finishes each job by a call of BullMQ's is faster.
const worker = new Worker('webhooks', async () => undefined, {
  connection: new Redis(redisUrl, { maxRetriesPerRequest: null }),
  concurrency,
  removeOnComplete: { count: 1_000 },
});
await worker.waitUntilReady();
process.stdout.write(`${JSON.stringify({ msg: 'taking webhooks' })}\n`);
process.once('SIGTERM', () => process.exit(0));
