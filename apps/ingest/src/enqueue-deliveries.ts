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
  const late = Promise.withResolvers<'unavailable'>();
  const timer = setTimeout(() => late.resolve('unavailable'), world.limits.enqueueMs);
  try {
    // Handled here as well, for when the deadline wins and nobody awaits it any more.
    const added = world.enqueue(deliveries).catch((): 'unavailable' => 'unavailable');
    return await Promise.race([added, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
