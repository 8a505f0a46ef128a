import { Worker, type Processor } from 'bullmq';
import { Redis } from 'ioredis';

/** Takes the jobs of `webhooks` until SIGTERM, as an application would by BullMQ's own means; says on standard output when it does. */
export async function takeWebhooks(
  processor: Processor,
  { redisUrl, concurrency }: { readonly redisUrl: string; readonly concurrency: number },
): Promise<void> {
  const worker = new Worker('webhooks', processor, {
    connection: new Redis(redisUrl, { maxRetriesPerRequest: null }),
    concurrency,
    removeOnComplete: { count: 1_000 },
  });
  await worker.waitUntilReady();
  process.stdout.write(`${JSON.stringify({ msg: 'taking webhooks' })}\n`);
  process.once('SIGTERM', () => process.exit(0));
}
