import type { QueueLocation } from '@penstock/runtime/queue-location';
import { openRateLimiters, type RateLimiter } from '@penstock/runtime/rate-limit';
import type { OpenEndpoint } from './receive-webhook.ts';

/** The limiters of those endpoints that have a limit, by name; with none of them, nothing is opened. */
export interface RateLimits extends Disposable {
  readonly limiters: ReadonlyMap<string, RateLimiter>;
}

/** What stands against the limits that endpoints ask for. */
export function rateLimitProblems(endpoints: readonly OpenEndpoint[], location: QueueLocation): readonly string[] {
  if (location.backend === 'redis') return [];
  return endpoints
    .filter(({ limit }) => limit !== null)
    .map(({ name }) => `endpoint ${name}: a rateLimit needs REDIS_URL, for every ingest shares it`);
}

export function openRateLimits(
  endpoints: readonly OpenEndpoint[],
  given: { readonly location: QueueLocation; readonly onUnanswered: (endpoint: string) => void },
): RateLimits {
  const { location, onUnanswered } = given;
  const limited = endpoints.flatMap(({ name, limit }) => (limit === null ? [] : [{ name, limit }]));
  if (limited.length === 0 || location.backend !== 'redis')
    return { limiters: new Map(), [Symbol.dispose]: () => undefined };
  const opened = openRateLimiters(location, { clock: () => performance.now(), onUnanswered });
  const limiters = new Map(limited.map(({ name, limit }) => [name, opened.limiterOf(name, limit)]));
  return { limiters, [Symbol.dispose]: () => opened[Symbol.dispose]() };
}
