import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PermanentError, TransientError, toFailure } from './failure.ts';
import { decideRetry, RETRIES_MAX, RETRY_DELAY_MS_MAX, retryDelayMs } from './retry-policy.ts';

const transient = toFailure(new TransientError('handler_failed', 'try again'));
const permanent = toFailure(new PermanentError('malformed_event', 'never'));
const attempts = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 1_000_000 }));

describe('the delay after the n-th failed attempt', () => {
  test('is at most 2^n seconds or an hour, and at least four fifths of that', () => {
    fc.assert(
      fc.property(attempts, fc.string(), (attempt, seed) => {
        const full = Math.min(2 ** attempt * 1000, 3_600_000);
        const delayMs = retryDelayMs({ attempt, seed });
        expect(delayMs).toBeGreaterThanOrEqual(0.8 * full);
        expect(delayMs).toBeLessThanOrEqual(full);
        expect(Number.isInteger(delayMs)).toBe(true);
      }),
    );
  });

  test('is explained by its seed: the same every time', () => {
    fc.assert(
      fc.property(attempts, fc.string(), (attempt, seed) => {
        expect(retryDelayMs({ attempt, seed })).toBe(retryDelayMs({ attempt, seed }));
      }),
    );
  });

  test('spreads what failed together over the whole fifth', () => {
    const delays = Array.from({ length: 1_000 }, (_, index) =>
      retryDelayMs({ attempt: 5, seed: `stripe.evt_${index}` }),
    );
    expect(Math.min(...delays)).toBeLessThan(0.81 * 32_000);
    expect(Math.max(...delays)).toBeGreaterThan(0.99 * 32_000);
    expect(new Set(delays).size).toBeGreaterThan(800);
  });

  test('is never longer than an hour, however often it failed', () => {
    expect(retryDelayMs({ attempt: 12, seed: 'a' })).toBeLessThanOrEqual(RETRY_DELAY_MS_MAX);
    expect(retryDelayMs({ attempt: 5_000, seed: 'a' })).toBeLessThanOrEqual(RETRY_DELAY_MS_MAX);
  });
});

describe('what follows a failed attempt', () => {
  test('five retries with growing delays, and after the sixth attempt it is dead', () => {
    const decisions = Array.from({ length: 7 }, (_, index) =>
      decideRetry({ failure: transient, attempt: index + 1, seed: 'stripe.evt_1' }),
    );
    expect(decisions.map(({ kind }) => kind)).toEqual(['retry', 'retry', 'retry', 'retry', 'retry', 'dead', 'dead']);
    expect(decisions.at(RETRIES_MAX)).toEqual({ kind: 'dead', reason: 'retries_exhausted' });
    const delays = decisions.flatMap((decision) => (decision.kind === 'retry' ? [decision.delayMs] : []));
    expect(delays).toEqual([...delays].toSorted((a, b) => a - b));
  });

  test('a permanent failure is dead at once, whatever the attempt', () => {
    fc.assert(
      fc.property(attempts, (attempt) => {
        expect(decideRetry({ failure: permanent, attempt, seed: 'a' })).toEqual({
          kind: 'dead',
          reason: 'permanent_failure',
        });
      }),
    );
  });
});
