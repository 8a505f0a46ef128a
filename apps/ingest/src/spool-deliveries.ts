import { setTimeout as sleep } from 'node:timers/promises';
import type { Delivery } from '@penstock/core/delivery';
import type { QueueStanding } from '@penstock/core/outcome';
import type { PayloadKeys } from '@penstock/core/payload-keys';
import { openSpool, type Spool, type SpoolState } from '@penstock/runtime/spool/spool';
import { within } from '@penstock/runtime/within';
import type { IngestEvents } from './events.ts';

type Enqueue = (deliveries: readonly Delivery[]) => Promise<readonly QueueStanding[]>;

/** An enqueue that a spool stands behind. */
export interface SpooledEnqueue extends AsyncDisposable {
  readonly enqueue: Enqueue;
  readonly state: () => SpoolState;
}

/** After a failure the queue is left alone for as long, so that a hanging one does not cost each request its time. */
const QUEUE_LEFT_ALONE_MS = 1_000;

/** How often what is kept is offered to the queue. */
const DRAIN_EVERY_MS = 1_000;

/** An offer that the queue does not answer in this time is none; it is made again, and a repetition is known as one. */
const OFFER_MS = 5_000;

/**
 * Opens the spool in `dir` and drains it from now on, as soon as the queue
 * takes anything. The queue has half of the deadline, then the disk has the
 * rest. New deliveries go to the queue whenever it answers, past what waits in
 * the spool: the order of arrival means nothing to the fold, and neither holds
 * the other up.
 */
export async function spoolDeliveries(options: {
  readonly dir: string;
  readonly bytesMax: number;
  readonly payloadKeys: PayloadKeys | undefined;
  readonly enqueueMs: number;
  readonly enqueue: Enqueue;
  readonly events: IngestEvents;
}): Promise<SpooledEnqueue> {
  const { events, dir, bytesMax, payloadKeys } = options;
  const spool = await openSpool({ dir, bytesMax, payloadKeys, onDamage: events.spoolPutAside });
  const stop = new AbortController();
  const draining = drainAlways(spool, { ...options, signal: stop.signal });
  let queueLeftAloneUntil = 0;

  return {
    enqueue: async (deliveries) => {
      if (performance.now() >= queueLeftAloneUntil) {
        try {
          return await within(options.enqueueMs / 2, options.enqueue(deliveries));
        } catch {
          queueLeftAloneUntil = performance.now() + QUEUE_LEFT_ALONE_MS;
        }
      }
      try {
        const standings = await spool.keep(deliveries);
        events.spoolKept(deliveries.length);
        return standings;
      } catch (error) {
        events.spoolRefused(deliveries.length, error);
        throw error;
      }
    },
    state: spool.state,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await draining;
      await spool[Symbol.asyncDispose]();
    },
  };
}

async function drainAlways(
  spool: Spool,
  options: { readonly enqueue: Enqueue; readonly events: IngestEvents; readonly signal: AbortSignal },
): Promise<void> {
  const { enqueue, events, signal } = options;
  while (!signal.aborted) {
    if (spool.state().bytes > 0) {
      try {
        await spool.drain(async (deliveries) => {
          signal.throwIfAborted();
          await within(OFFER_MS, enqueue(deliveries));
          events.spoolDrained(deliveries.length);
        });
      } catch (error) {
        if (!signal.aborted) events.spoolWaits(spool.state(), error);
      }
    }
    await sleep(DRAIN_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}
