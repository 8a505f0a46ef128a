import type { Delivery } from '@penstock/core/delivery';
import type { Lane } from '@penstock/runtime/lanes';

/** How much of one source is live; what comes faster is overflow. */
export interface OverflowOptions {
  /** Events a second. */
  readonly ratePerSecond: number;
  /** Events at once, after a time of rest. */
  readonly burst: number;
  /** Milliseconds of a clock that never goes back. */
  readonly clock: () => number;
}

/**
 * Chooses the lane of a request's events: `live`, or `overflow` for what one
 * endpoint, or one of the accounts that it serves, sends beyond its rate. So a
 * storm waits behind everybody else's events, and where nobody else has any it
 * does not wait at all.
 *
 * A token bucket for each source, in the memory of this process: n processes
 * let n times the rate through, and a restart lets a burst through. A lane is a
 * matter of order and never of acceptance, so that does no harm.
 */
export function chooseLanes(options: OverflowOptions): (deliveries: readonly Delivery[]) => Lane {
  const { ratePerSecond, burst, clock } = options;
  /** In the order of their last use. */
  const buckets = new Map<string, { readonly tokens: number; readonly at: number }>();

  return (deliveries) => {
    const [first] = deliveries;
    if (first === undefined) return 'live';
    const source = `${first.endpoint} ${first.providerAccount ?? ''}`;
    const now = clock();
    const bucket = buckets.get(source) ?? { tokens: burst, at: now };
    const tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1_000) * ratePerSecond);
    // A request that carries more than a burst passes when its bucket is full, and leaves it in debt.
    const isLive = tokens >= Math.min(deliveries.length, burst);
    buckets.delete(source);
    buckets.set(source, { tokens: isLive ? tokens - deliveries.length : tokens, at: now });
    forgetOldest(buckets);
    return isLive ? 'live' : 'overflow';
  };
}

/** Sources remembered; one that is forgotten begins anew with a full bucket. Some 100 bytes each. */
const SOURCES_MAX = 10_000;

function forgetOldest(buckets: Map<string, unknown>): void {
  if (buckets.size <= SOURCES_MAX) return;
  const [oldest] = buckets.keys();
  if (oldest !== undefined) buckets.delete(oldest);
}
