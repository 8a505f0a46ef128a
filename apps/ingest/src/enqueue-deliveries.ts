import type { Delivery } from '@penstock/core/delivery';
import type { QueueStanding } from '@penstock/core/outcome';

/**
 * Enqueues a request's deliveries, all or none, within the deadline.
 *
 * `unavailable` says that the queue refused or did not answer in time. It may
 * still have taken them; the provider will send them again, and the event id
 * as job id makes that one event.
 */
export async function enqueueDeliveries(
  deliveries: readonly Delivery[],
  world: {
    readonly enqueue: (deliveries: readonly Delivery[]) => Promise<readonly QueueStanding[]>;
    readonly limits: { readonly enqueueMs: number };
  },
): Promise<readonly QueueStanding[] | 'unavailable'> {
  const { promise, resolve } = Promise.withResolvers<readonly QueueStanding[] | 'unavailable'>();
  const timer = setTimeout(() => resolve('unavailable'), world.limits.enqueueMs);
  // Both ways it ends are handled, also after the deadline, when nobody waits for it any more.
  world.enqueue(deliveries).then(resolve, () => resolve('unavailable'));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
