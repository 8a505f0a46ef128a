import { ConfigurationError } from '@penstock/core/failure';
import type { WebhookQueue } from './webhook-queue.ts';

/**
 * In production, start-up is the last moment to refuse a queue that forgets:
 * throws ConfigurationError there, and wherever the queue's schema does not fit.
 * Elsewhere it warns.
 */
export async function refuseWhereEventsCouldBeLost(
  queue: Pick<WebhookQueue, 'connected' | 'assertReady'>,
  options: { readonly production: boolean; readonly warn: (reason: string) => void },
): Promise<void> {
  try {
    await queue.connected();
    await queue.assertReady();
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    if (options.production) throw new ConfigurationError([reason]);
    options.warn(reason);
  }
}
