import type { LedgerDatabase } from '@penstock/db/database';
import type { ProcessScope } from '@penstock/runtime/lifecycle';
import { openOutboxQueue, outboxLocation } from '@penstock/runtime/outbox-queue';
import type { QueueLocation } from '@penstock/runtime/queue-location';
import { consumeWebhooks } from '@penstock/runtime/webhook-consumer';
import { deliverMessage, type DeliverWorld } from './deliver-message.ts';
import type { OpenDestination } from './destinations.ts';
import type { createWorkerEvents } from './events.ts';
import { realTime } from './real-time.ts';
import { RELAY_MS, RELAY_REPAIR_MS, relayOutbox, repairOutbox } from './relay-outbox.ts';
import { repeat } from './repeat.ts';

/**
 * Starts what brings the outbox to its destinations: the relay into the second
 * queue, its repair, and the deliveries. Closed in reverse by the scope.
 */
export async function startForwarding(
  options: {
    readonly db: LedgerDatabase;
    readonly location: QueueLocation;
    readonly destinations: ReadonlyMap<string, OpenDestination>;
    readonly concurrency: number;
    readonly lockMs: number;
    readonly now: () => Date;
    readonly events: ReturnType<typeof createWorkerEvents>;
    readonly afterSend?: () => void;
  },
  scope: Pick<ProcessScope, 'resources'>,
): Promise<void> {
  const { db, location, destinations, events, now, afterSend } = options;
  const queue = scope.resources.use(openOutboxQueue(location));
  const relay = { db, queue, now };
  scope.resources.use(
    repeat({ everyMs: RELAY_MS, onError: events.relayFailed, task: async () => void (await relayOutbox(relay)) }),
  );
  scope.resources.use(
    repeat({
      everyMs: RELAY_REPAIR_MS,
      onError: events.relayFailed,
      task: async () => events.outboxRepaired(await repairOutbox(relay)),
    }),
  );
  const { sending } = events;
  const world: DeliverWorld = {
    db,
    destinations,
    now,
    ...realTime,
    sending,
    ...(afterSend === undefined ? {} : { afterSend }),
  };
  const intake = scope.resources.use(
    consumeWebhooks({
      location: outboxLocation(location),
      concurrency: options.concurrency,
      lockMs: options.lockMs,
      onError: events.queueError,
      attempt: async (job) => {
        const started = performance.now();
        const delivered = await deliverMessage(job, world);
        events.messageDelivered(delivered, performance.now() - started);
        return delivered.verdict;
      },
      onAbandoned: async (job, reason) => events.abandoned(job, reason),
    }),
  );
  await intake.ready();
}
