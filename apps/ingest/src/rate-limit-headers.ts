import type { Quota } from '@penstock/core/rate-limit';

/**
 * What a sender is told of an endpoint's limit: the most requests (`q`) in the
 * time that an empty bucket takes to fill (`w`), those left (`r`) and the time
 * until it is full (`t`), in whole seconds, rounded to the sender's caution.
 * Source: draft-ietf-httpapi-ratelimit-headers-11 (May 2026), which is no
 * standard yet.
 */
export function rateLimitHeaders(quota: Quota): Readonly<Record<string, string>> {
  const { limit, remaining, fullMs, waitMs } = quota;
  const windowSeconds = Math.ceil(limit.burst / limit.perSecond);
  return {
    'ratelimit-policy': `"endpoint";q=${limit.burst};w=${windowSeconds}`,
    ratelimit: `"endpoint";r=${remaining};t=${Math.ceil(fullMs / 1_000)}`,
    ...(waitMs === 0 ? {} : { 'retry-after': String(Math.ceil(waitMs / 1_000)) }),
  };
}
