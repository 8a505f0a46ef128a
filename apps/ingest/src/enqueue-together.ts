import type { Delivery } from '@penstock/core/delivery';
import type { QueueStanding } from '@penstock/core/outcome';
import { gather } from '@penstock/runtime/gather';
import type { Lane } from '@penstock/runtime/lanes';

type Add = (deliveries: readonly Delivery[], options: { readonly lane: Lane }) => Promise<readonly QueueStanding[]>;

/** How requests share commands; the benchmark's plain server queues by the same. */
export const sharing = {
  /** Requests in one command: a quarter of a megabyte of usual events, which Redis writes to disk at once. */
  itemsMax: 128,
  /** Commands on their way at a time, each hiding the way of those before. With two a busy ingest was waiting for a tenth of its time. */
  groupsMax: 6,
  /**
   * From a thousand requests a second on, the first waits two milliseconds for others. A command costs what several
   * events in it do: at 2,000 a second it took a quarter less of ingest's processor time and of Redis's (bench/RESULTS.md).
   */
  company: { waitMs: 2, expected: 2, enough: 16, clock: () => performance.now() },
};

/**
 * Adds what concurrent requests bring by one command and one write to disk, as
 * a database commits in groups. Each request is still queued whole or not at
 * all, and answered only once it is durable; where the command fails, none of
 * them is acknowledged.
 */
export function enqueueTogether(add: Add): Add {
  const byLane = {
    live: gatherLane(add, 'live'),
    overflow: gatherLane(add, 'overflow'),
    replay: gatherLane(add, 'replay'),
  };
  return (deliveries, { lane }) => byLane[lane](deliveries);
}

function gatherLane(add: Add, lane: Lane) {
  return gather<readonly Delivery[], readonly QueueStanding[]>({
    ...sharing,
    take: async (requests) => {
      const standings = await add(requests.flat(), { lane });
      let from = 0;
      return requests.map((request) => {
        from += request.length;
        return standings.slice(from - request.length, from);
      });
    },
  });
}
