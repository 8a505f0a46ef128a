import * as z from 'zod';

/** How many genuine requests an endpoint takes: a token bucket. */
export interface RateLimit {
  readonly perSecond: number;
  /** At once, after a time of rest. */
  readonly burst: number;
}

/** How an endpoint's limit stands with a request. */
export interface Quota {
  readonly limit: RateLimit;
  /** Whole tokens that are left. */
  readonly remaining: number;
  /** Milliseconds until there are as many as there can be. */
  readonly fullMs: number;
  /** Milliseconds until a request is taken again; 0 where this one was. */
  readonly waitMs: number;
}

const tokens = z.int().min(1, 'must be a whole number from 1').max(1_000_000);

/** An endpoint's `rateLimit`; a second's worth at once unless told otherwise. */
export const rateLimitSchema = z
  .strictObject({ perSecond: tokens, burst: tokens.optional() })
  .transform(({ perSecond, burst }): RateLimit => ({ perSecond, burst: burst ?? perSecond }));
