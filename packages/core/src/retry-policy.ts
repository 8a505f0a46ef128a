import { createHash } from 'node:crypto';
import { ServiceAwayError, type Failure } from './failure.ts';

/** How a failed event is tried again. */
export interface RetryPace {
  /** Attempts after the first one. */
  readonly retries: number;
  /** The wait after the first failed attempt; each further one doubles it. */
  readonly baseMs: number;
  /** No wait is longer. */
  readonly capMs: number;
}

/** The pace of an endpoint, and of those of its event types that go by another. */
export interface RetryRules extends RetryPace {
  /** By the provider's type, e.g. `invoice.paid`, or by its beginning, e.g. `invoice.*`. */
  readonly types: Readonly<Record<string, RetryPace>>;
}

/** 2^n seconds after failed attempt n, at most an hour, five times: a minute of trying; then somebody must look. */
export const usualPace: RetryPace = { retries: 5, baseMs: 2_000, capMs: 3_600_000 };

/** No configuration asks for more: at an hour each, a day of trying. */
export const RETRIES_MAX = 25;

/** The pace for one event: its type's, the longest beginning's that fits, the endpoint's, or the usual one. */
export function paceFor(rules: RetryRules | undefined, type: string): RetryPace {
  if (rules === undefined) return usualPace;
  const exact = rules.types[type];
  if (exact !== undefined) return exact;
  const [longest] = Object.keys(rules.types)
    .filter((pattern) => pattern.endsWith('*') && type.startsWith(pattern.slice(0, -1)))
    .toSorted((one, other) => other.length - one.length);
  return (longest === undefined ? undefined : rules.types[longest]) ?? rules;
}

/** What becomes of an event whose attempt failed. */
export type RetryDecision =
  | ({ readonly kind: 'retry' } & RetryDelay)
  | { readonly kind: 'dead'; readonly reason: 'permanent_failure' | 'retries_exhausted' | 'poison' };

/** A wait, and what it was made of: it is recorded, so that it can be explained afterwards. */
export interface RetryDelay {
  readonly delayMs: number;
  /** What the jitter was derived from; the same seed gives the same share. */
  readonly seed: string;
  /** The share of the wait, from 0 to a fifth, that was taken off it, or put on where a service had asked for a time. */
  readonly jitter: number;
  /** How long the service that failed asked to be left alone (Retry-After); null where it did not. */
  readonly askedMs: number | null;
}

/**
 * Decides after a failed attempt. `attempt` counts from 1; the attempt after
 * the last retry is the last. A permanent failure is not tried again. `seed`
 * is the job's id.
 */
export function decideRetry(options: {
  readonly failure: Failure;
  readonly attempt: number;
  readonly seed: string;
  readonly pace?: RetryPace;
}): RetryDecision {
  const { failure, attempt, seed, pace = usualPace } = options;
  if (failure.permanent) return { kind: 'dead', reason: 'permanent_failure' };
  if (attempt > pace.retries) return { kind: 'dead', reason: 'retries_exhausted' };
  return { kind: 'retry', ...retryDelay({ attempt, seed, pace, askedMs: failure.retryAfterMs ?? null }) };
}

/**
 * How long to wait after failed attempt n. The wait doubles with each, up to
 * the cap, less up to a fifth, so that events that failed together do not
 * return together. A service that asked for more gets what it asked for, at
 * most an hour, and up to a fifth on top: never sooner than asked.
 */
export function retryDelay(options: {
  readonly attempt: number;
  readonly seed: string;
  readonly pace?: RetryPace;
  readonly askedMs?: number | null;
}): RetryDelay {
  const { pace = usualPace, askedMs = null } = options;
  const attempt = Math.max(1, Math.floor(options.attempt));
  const seed = `${options.seed}#${attempt}`;
  const jitter = JITTER_SHARE * fractionOf(seed);
  const ownMs = Math.round(Math.min(2 ** (attempt - 1) * pace.baseMs, pace.capMs) * (1 - jitter));
  const asked = askedMs === null ? 0 : Math.round(Math.min(askedMs, ASKED_MS_MAX) * (1 + jitter));
  return { delayMs: Math.max(ownMs, asked), seed, jitter, askedMs };
}

/** The wait alone, for another pace: `baseMs` after the first failed attempt, twice that after the second. */
export function backoffMs(options: {
  readonly attempt: number;
  readonly seed: string;
  readonly baseMs: number;
  readonly mostMs: number;
}): number {
  const { attempt, seed, baseMs, mostMs } = options;
  return retryDelay({ attempt, seed, pace: { retries: RETRIES_MAX, baseMs, capMs: mostMs } }).delayMs;
}

const JITTER_SHARE = 0.2;

/** No service's Retry-After keeps an event waiting for longer. */
const ASKED_MS_MAX = 3_600_000;

/** A number in [0, 1) that depends on the seed alone. */
function fractionOf(seed: string): number {
  return createHash('sha256').update(seed).digest().readUInt32BE(0) / 2 ** 32;
}

/** How long an event waits for a database that is away before it knocks again. */
export const OUTAGE_DELAY_MS = 2_000;

/** A provider's API may be away for this long before its events count as failed, and somebody looks. */
const AWAY_MS_MAX = 24 * 3_600_000;

/** How long an event waits for an API that is away, where the API does not say. */
const AWAY_DELAY_MS = 15_000;

/**
 * How long an event waits for a provider's API that is away without losing an
 * attempt; null where the failure is its own, or has lasted too long.
 */
export function waitForService(
  thrown: unknown,
  times: { readonly receivedAt: Date; readonly now: Date },
): number | null {
  if (!(thrown instanceof ServiceAwayError)) return null;
  if (times.now.getTime() - times.receivedAt.getTime() > AWAY_MS_MAX) return null;
  return Math.min(Math.max(thrown.retryAfterMs ?? AWAY_DELAY_MS, 1_000), ASKED_MS_MAX);
}
