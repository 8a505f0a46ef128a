import { createHash } from 'node:crypto';
import type { Failure } from './failure.ts';

/** Attempts after the first one. */
export const RETRIES_MAX = 5;

/** No event waits longer than this for its next attempt. */
export const RETRY_DELAY_MS_MAX = 3_600_000;

/** What becomes of an event whose attempt failed. */
export type RetryDecision =
  | { readonly kind: 'retry'; readonly delayMs: number }
  | { readonly kind: 'dead'; readonly reason: 'permanent_failure' | 'retries_exhausted' };

/**
 * Decides after a failed attempt. `attempt` counts from 1; the attempt numbered
 * RETRIES_MAX + 1 is the last. A permanent failure is not tried again.
 */
export function decideRetry(options: {
  readonly failure: Failure;
  readonly attempt: number;
  readonly seed: string;
}): RetryDecision {
  if (options.failure.permanent) return { kind: 'dead', reason: 'permanent_failure' };
  if (options.attempt > RETRIES_MAX) return { kind: 'dead', reason: 'retries_exhausted' };
  return { kind: 'retry', delayMs: retryDelayMs(options) };
}

/**
 * How long to wait after failed attempt n: 2^n seconds, at most an hour, then
 * up to a fifth less so that events that failed together do not return
 * together. The jitter is derived from the seed (the job's id), so a delay can
 * be explained afterwards.
 */
export function retryDelayMs(options: { readonly attempt: number; readonly seed: string }): number {
  return backoffMs({
    ...options,
    attempt: Math.max(1, Math.floor(options.attempt)) + 1,
    baseMs: 1_000,
    mostMs: RETRY_DELAY_MS_MAX,
  });
}

/** The same for another pace: `baseMs` after the first failed attempt, twice that after the second, at most `mostMs`. */
export function backoffMs(options: {
  readonly attempt: number;
  readonly seed: string;
  readonly baseMs: number;
  readonly mostMs: number;
}): number {
  const attempt = Math.max(1, Math.floor(options.attempt));
  const full = Math.min(2 ** (attempt - 1) * options.baseMs, options.mostMs);
  return Math.round(full * (1 - JITTER_SHARE * fractionOf(`${options.seed}#${attempt}`)));
}

const JITTER_SHARE = 0.2;

/** A number in [0, 1) that depends on the seed alone. */
function fractionOf(seed: string): number {
  return createHash('sha256').update(seed).digest().readUInt32BE(0) / 2 ** 32;
}
