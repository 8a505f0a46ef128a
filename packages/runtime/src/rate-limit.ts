import * as z from 'zod';
import type { Quota, RateLimit } from '@penstock/core/rate-limit';
import { connectProducer } from './redis.ts';
import type { RedisLocation } from './queue-location.ts';
import { keyPrefix } from './redis-address.ts';
import { within } from './within.ts';

/** The token bucket of one endpoint, shared by every process. */
export interface RateLimiter {
  /** The quota, where it was found to be spent and still is, without asking Redis; else null. */
  readonly held: () => Quota | null;
  /** Takes a token, where there is one. Null where Redis did not answer: the request is let through. */
  readonly take: () => Promise<Quota | null>;
}

/** How long Redis may take; a tenth of an answer's time, for a limit that is a convenience. */
const ANSWER_MS = 25;

/**
 * Takes one token of a bucket, where it has one.
 *
 * KEYS[1]  the bucket: `tokens`, and the time `at` which it held them
 * ARGV     tokens a second; the most tokens it holds
 * Returns  1 or 0 for a token or none; whole tokens left; milliseconds until
 *          there is another; milliseconds until it is full
 *
 * By Redis' own clock, so that the clocks of processes need not agree. A
 * bucket that would be full again is forgotten.
 */
const takeToken = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local rate, most = tonumber(ARGV[1]) / 1000, tonumber(ARGV[2])
local held = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(held[1] or most)
tokens = math.min(most, tokens + math.max(0, now - tonumber(held[2] or now)) * rate)
local taken = 0
if tokens >= 1 then
  taken = 1
  tokens = tokens - 1
end
local full = math.ceil((most - tokens) / rate)
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', now)
redis.call('PEXPIRE', KEYS[1], full + 1000)
return { taken, math.floor(tokens), math.max(0, math.ceil((1 - tokens) / rate)), full }
`;

const answerSchema = z.tuple([z.number(), z.number(), z.number(), z.number()]);

/**
 * Opens the buckets of one queue's endpoints, over a connection of their own
 * that fails at once while Redis is away.
 */
export function openRateLimiters(
  location: RedisLocation,
  given: {
    /** Milliseconds of a clock that never goes back. */
    readonly clock: () => number;
    readonly onUnanswered: (endpoint: string) => void;
  },
): Disposable & { readonly limiterOf: (endpoint: string, limit: RateLimit) => RateLimiter } {
  const redis = connectProducer(location.url);
  return {
    limiterOf: (endpoint, limit) => {
      // Beside the queue's own keys, which are all that Redis lets its user touch (deploy/make-secrets.sh).
      const key = `${keyPrefix(location)}:${location.name}:tokens:${endpoint}`;
      let spent: { readonly quota: Quota; readonly until: number } | null = null;
      return {
        held: () => {
          if (spent === null) return null;
          const waitMs = spent.until - given.clock();
          if (waitMs > 0) return { ...spent.quota, waitMs };
          spent = null;
          return null;
        },
        take: async () => {
          try {
            const answer = await within(ANSWER_MS, redis.eval(takeToken, 1, key, limit.perSecond, limit.burst));
            const [taken, remaining, waitMs, fullMs] = answerSchema.parse(answer);
            const quota: Quota = { limit, remaining, fullMs, waitMs: taken === 1 ? 0 : waitMs };
            if (taken === 0) spent = { quota, until: given.clock() + waitMs };
            return quota;
          } catch {
            given.onUnanswered(endpoint);
            return null;
          }
        },
      };
    },
    [Symbol.dispose]: () => redis.disconnect(),
  };
}
