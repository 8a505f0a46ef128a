import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PermanentError, ServiceAwayError, TransientError, toFailure } from './failure.ts';
import { backoffMs, decideRetry, paceFor, retryDelay, usualPace, waitForService } from './retry-policy.ts';
import { retryRules, retrySchema } from './retry-settings.ts';

const transient = toFailure(new TransientError('handler_failed', 'try again'));
const permanent = toFailure(new PermanentError('malformed_event', 'never'));
const attempts = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 1_000_000 }));

describe('the delay after the n-th failed attempt', () => {
  test('is at most 2^n seconds or an hour, and at least four fifths of that', () => {
    fc.assert(
      fc.property(attempts, fc.string(), (attempt, seed) => {
        const full = Math.min(2 ** attempt * 1000, 3_600_000);
        const { delayMs } = retryDelay({ attempt, seed });
        expect(delayMs).toBeGreaterThanOrEqual(0.8 * full);
        expect(delayMs).toBeLessThanOrEqual(full);
        expect(Number.isInteger(delayMs)).toBe(true);
      }),
    );
  });

  test('is explained by what is recorded of it: seed, share and attempt give it again', () => {
    fc.assert(
      fc.property(attempts, fc.string(), (attempt, seed) => {
        const recorded = retryDelay({ attempt, seed });
        expect(retryDelay({ attempt, seed })).toEqual(recorded);
        expect(recorded.seed).toBe(`${seed}#${attempt}`);
        const full = Math.min(2 ** attempt * 1000, 3_600_000);
        expect(recorded.delayMs).toBe(Math.round(full * (1 - recorded.jitter)));
      }),
    );
  });

  test('is never shorter than a service that failed asked for, nor than its own, nor much over an hour', () => {
    fc.assert(
      fc.property(attempts, fc.string(), fc.integer({ min: 1, max: 10_000_000 }), (attempt, seed, askedMs) => {
        const { delayMs, jitter } = retryDelay({ attempt, seed, askedMs });
        expect(delayMs).toBeGreaterThanOrEqual(Math.min(askedMs, 3_600_000));
        expect(delayMs).toBeGreaterThanOrEqual(retryDelay({ attempt, seed }).delayMs);
        expect(delayMs).toBeLessThanOrEqual(3_600_000 * 1.2);
        expect(jitter).toBeLessThan(0.2);
      }),
    );
  });

  test('spreads what failed together over the whole fifth', () => {
    const delays = Array.from({ length: 1_000 }, (_, index) =>
      retryDelay({ attempt: 5, seed: `stripe.evt_${index}` }),
    ).map(({ delayMs }) => delayMs);
    expect(Math.min(...delays)).toBeLessThan(0.81 * 32_000);
    expect(Math.max(...delays)).toBeGreaterThan(0.99 * 32_000);
    expect(new Set(delays).size).toBeGreaterThan(800);
  });

  test('is never longer than an hour, however often it failed', () => {
    for (const attempt of [12, 5_000])
      expect(retryDelay({ attempt, seed: 'a' }).delayMs).toBeLessThanOrEqual(3_600_000);
  });
});

describe('what follows a failed attempt', () => {
  test('five retries with growing delays, and after the sixth attempt it is dead', () => {
    const decisions = Array.from({ length: 7 }, (_, index) =>
      decideRetry({ failure: transient, attempt: index + 1, seed: 'stripe.evt_1' }),
    );
    expect(decisions.map(({ kind }) => kind)).toEqual(['retry', 'retry', 'retry', 'retry', 'retry', 'dead', 'dead']);
    expect(decisions.at(usualPace.retries)).toEqual({ kind: 'dead', reason: 'retries_exhausted' });
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

test('another pace waits by the same rule: doubled, capped, less up to a fifth', () => {
  for (const [attempt, longest] of [
    [1, 1_000],
    [3, 4_000],
    [9, 10_000],
  ] as const) {
    const waits = ['a', 'b', 'c'].map((seed) => backoffMs({ attempt, seed, baseMs: 1_000, mostMs: 10_000 }));
    for (const wait of waits) {
      expect(wait).toBeLessThanOrEqual(longest);
      expect(wait).toBeGreaterThanOrEqual(longest * 0.8);
    }
    expect(new Set(waits).size).toBe(3);
  }
});

describe("an endpoint's own pace", () => {
  const rules = retryRules({
    retries: 8,
    baseSeconds: 1,
    types: { 'invoice.*': { retries: 2 }, 'invoice.paid': { capSeconds: 5 }, 'invoice.payment_*': { baseSeconds: 10 } },
  });

  test("is its type's, else that of the longest beginning, else the endpoint's, else the usual one", () => {
    expect(paceFor(undefined, 'invoice.paid')).toEqual({ retries: 5, baseMs: 2_000, capMs: 3_600_000 });
    expect(paceFor(rules, 'charge.captured')).toMatchObject({ retries: 8, baseMs: 1_000, capMs: 3_600_000 });
    expect(paceFor(rules, 'invoice.voided')).toEqual({ retries: 2, baseMs: 1_000, capMs: 3_600_000 });
    expect(paceFor(rules, 'invoice.payment_failed')).toEqual({ retries: 8, baseMs: 10_000, capMs: 3_600_000 });
    expect(paceFor(rules, 'invoice.paid')).toEqual({ retries: 8, baseMs: 1_000, capMs: 5_000 });
    // A type without a star is no beginning of another.
    expect(paceFor(rules, 'invoice.paid_late')).toMatchObject({ retries: 2, capMs: 3_600_000 });
  });

  test('decides how often and how soon it is tried again', () => {
    const pace = paceFor(rules, 'invoice.voided');
    const given = { failure: transient, seed: 'stripe.evt_1', pace };
    expect(decideRetry({ ...given, attempt: 2 })).toMatchObject({ kind: 'retry' });
    expect(decideRetry({ ...given, attempt: 3 })).toEqual({ kind: 'dead', reason: 'retries_exhausted' });
    const none = { ...pace, retries: 0 };
    expect(decideRetry({ ...given, pace: none, attempt: 1 })).toEqual({ kind: 'dead', reason: 'retries_exhausted' });
  });

  test.each([
    ['more than 25 retries', { retries: 26 }],
    ['half a retry', { retries: 1.5 }],
    ['a wait of nothing', { baseSeconds: 0 }],
    ['a wait of more than a day', { capSeconds: 86_401 }],
    ['a cap below the first wait', { baseSeconds: 60, capSeconds: 30 }],
    ['a cap below the first wait, in one type', { baseSeconds: 60, types: { 'a.b': { capSeconds: 30 } } }],
    ['a word it does not know', { retrys: 3 }],
    ['a type with a star in its middle', { types: { 'a.*.b': {} } }],
  ])('is refused with %s', (_what, retry) => {
    expect(retrySchema.safeParse(retry).success).toBe(false);
  });
});

describe('a service that is away', () => {
  const receivedAt = new Date('2026-01-01T00:00:00Z');

  test('is waited for as long as it asks, at most an hour, or 15 seconds; for a day in all', () => {
    const at = (hours: number) => ({ receivedAt, now: new Date(receivedAt.getTime() + hours * 3_600_000) });
    const away = (retryAfterMs: number | null) => new ServiceAwayError('api_away', 'not now', { retryAfterMs });
    expect(waitForService(away(null), at(1))).toBe(15_000);
    expect(waitForService(away(90_000), at(1))).toBe(90_000);
    expect(waitForService(away(1e9), at(23))).toBe(3_600_000);
    expect(waitForService(away(90_000), at(24))).toBe(90_000);
    expect(waitForService(away(90_000), at(25))).toBeNull();
    expect(waitForService(new TransientError('handler_failed', 'try again'), at(1))).toBeNull();
  });

  test('is told by whatever a handler throws, and honoured', () => {
    const failure = toFailure(Object.assign(new Error('429'), { retryAfterMs: 600_000 }));
    const decision = decideRetry({ failure, attempt: 1, seed: 'a' });
    expect(decision).toMatchObject({ kind: 'retry', askedMs: 600_000 });
    expect(decision.kind === 'retry' ? decision.delayMs : 0).toBeGreaterThanOrEqual(600_000);
    for (const nonsense of [NaN, Infinity, -1, '5'])
      expect(toFailure(Object.assign(new Error('429'), { retryAfterMs: nonsense }))).not.toHaveProperty('retryAfterMs');
  });
});
