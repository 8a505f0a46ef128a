import { createHash } from 'node:crypto';
import {
  BrokenCircuitError,
  circuitBreaker,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleWhenResult,
  retry,
  wrap,
  type IPolicy,
} from 'cockatiel';
import { ServiceAwayError, TransientError } from '@penstock/core/failure';
import { isAway } from '@penstock/core/provider-api';
import type { IncomingResponse, OutgoingRequest } from '@penstock/core/provider';

export type Exchange = (request: OutgoingRequest) => Promise<IncomingResponse>;

/** Failures in a row after which a service is left alone. */
const FAILURES_IN_A_ROW_MAX = 5;

/** How long it is left alone before one request tries again. */
const OPEN_MS = 10_000;

/** Services have their addresses in the configuration or in an allow-list; there are not this many. */
const ORIGINS_MAX = 100;

/**
 * An exchange that spares a service in trouble, and the process that waits for it.
 *
 * - Of identical requests one is under way at a time; those that ask meanwhile
 *   wait for it, and then are one request. None joins what is under way: its
 *   answer may have been drawn up before they asked, and an event that asks has
 *   to be told what holds now.
 * - A GET that fails in transit, or finds the service away, is tried again
 *   `retriesMax` times, after 100 to 200 ms and twice that. Nothing else is:
 *   a request that changes something may have arrived.
 * - Five failures in a row open the circuit of that origin: for ten seconds
 *   requests to it fail at once with ServiceAwayError `provider_away`; then one
 *   decides. An answer that says "not you" (4xx) is no failure.
 */
export function resilientExchange(exchange: Exchange, options: { readonly retriesMax: number }): Exchange {
  const circuits = new Map<string, IPolicy>();
  /** The last request of each key, begun or not. */
  const flights = new Map<string, Flight>();

  function circuitOf(origin: string): IPolicy {
    const known = circuits.get(origin);
    if (known !== undefined) return known;
    const created = circuitBreaker(awayOrUnreachable, {
      halfOpenAfter: OPEN_MS,
      breaker: new ConsecutiveBreaker(FAILURES_IN_A_ROW_MAX),
    });
    if (circuits.size < ORIGINS_MAX) circuits.set(origin, created);
    return created;
  }

  async function send(request: OutgoingRequest): Promise<IncomingResponse> {
    const { origin } = new URL(request.url);
    const retries = request.method === 'GET' ? options.retriesMax : 0;
    const policy = retries === 0 ? circuitOf(origin) : wrap(retryPolicy(retries), circuitOf(origin));
    try {
      return await policy.execute(() => exchange(request));
    } catch (error) {
      if (error instanceof BrokenCircuitError)
        throw new ServiceAwayError('provider_away', `${origin} failed too often and is left alone`, {
          retryAfterMs: OPEN_MS,
        });
      throw error;
    }
  }

  return async (request) => {
    const key = keyOf(request);
    const last = flights.get(key);
    if (last?.begun === false) return last.answer;
    const begin = async (): Promise<IncomingResponse> => {
      await last?.answer.catch(() => undefined);
      flight.begun = true;
      return send(request);
    };
    // It begins after this turn: who asks in the same one shares it.
    const answer = Promise.resolve().then(begin);
    const flight: Flight = { begun: false, answer };
    flights.set(key, flight);
    return answer.finally(() => {
      if (flights.get(key) === flight) flights.delete(key);
    });
  };
}

/** A request and its answer; once begun it may be shared no more. */
interface Flight {
  begun: boolean;
  readonly answer: Promise<IncomingResponse>;
}

const awayOrUnreachable = handleWhenResult((result) => isResponse(result) && isAway(result.status)).orType(
  TransientError,
);

function retryPolicy(maxAttempts: number) {
  return retry(
    handleWhenResult((result) => isResponse(result) && result.status !== 429 && isAway(result.status)).orType(
      TransientError,
    ),
    { maxAttempts, backoff: new ExponentialBackoff({ initialDelay: 150, maxDelay: 1_000 }) },
  );
}

function isResponse(result: unknown): result is IncomingResponse {
  return typeof result === 'object' && result !== null && 'status' in result && typeof result.status === 'number';
}

/** Hashed, for it holds credentials. */
function keyOf({ method, url, headers, body }: OutgoingRequest): string {
  const hash = createHash('sha256').update(JSON.stringify([method, url, Object.entries(headers).toSorted()]));
  return hash.update(body ?? '').digest('base64');
}
