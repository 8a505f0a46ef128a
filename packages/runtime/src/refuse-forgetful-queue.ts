import { ConfigurationError } from '@penstock/core/failure';
import { ForgetfulQueueError } from './durable-redis.ts';
import type { WebhookQueue } from './webhook-queue.ts';

/**
 * In production, start-up is the last moment to refuse a queue that forgets:
 * throws ConfigurationError there, and wherever the queue's schema does not fit.
 * Elsewhere it warns, and so it does of a queue that is away where a spool
 * stands in for it: readiness looks at the queue when it is back.
 */
export async function refuseWhereEventsCouldBeLost(
  queue: Pick<WebhookQueue, 'connected' | 'assertReady'>,
  options: {
    readonly production: boolean;
    readonly mayBeAway?: boolean;
    readonly warn: (reason: string) => void;
  },
): Promise<void> {
  try {
    await queue.connected();
    await queue.assertReady();
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    const borne = options.mayBeAway === true && !(error instanceof ForgetfulQueueError);
    if (options.production && !borne) throw new ConfigurationError([reason]);
    options.warn(reason);
  }
}
