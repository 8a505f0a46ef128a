import type { Delivery } from '@penstock/core/delivery';
import { TransientError } from '@penstock/core/failure';
import type { QueueStanding } from '@penstock/core/outcome';

type Enqueue = (deliveries: readonly Delivery[]) => Promise<readonly QueueStanding[]>;

/**
 * Refuses at once what would make more than `bytesMax` wait for a queue that
 * does not answer: the provider keeps what this process cannot. What is given
 * up on after the deadline still counts until the queue has settled it, for
 * that is how long it is held.
 */
export function boundedEnqueue(enqueue: Enqueue, bytesMax: number): Enqueue {
  let bytesInHand = 0;
  return async (deliveries) => {
    let bytes = 0;
    for (const { body } of deliveries) bytes += body.data.length;
    if (bytesInHand > 0 && bytesInHand + bytes > bytesMax)
      throw new TransientError('queue_unavailable', `${bytesInHand} bytes already wait for the queue`);
    bytesInHand += bytes;
    try {
      return await enqueue(deliveries);
    } finally {
      bytesInHand -= bytes;
    }
  };
}
