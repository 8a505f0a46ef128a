import type { Failure } from '@penstock/core/failure';
import type { RetryDelay } from '@penstock/core/retry-policy';
import type { LedgerTransaction } from './database.ts';

/** Records one failed attempt at an event, or at one of its handlers. */
export async function recordAttempt(
  tx: LedgerTransaction,
  attempt: {
    readonly ledgerId: number;
    readonly number: number;
    readonly durationMs: number;
    readonly failure: Failure;
    /** The wait for the next attempt; null where there is none. */
    readonly retry: RetryDelay | null;
    /** Which handler failed; null where the event itself did. */
    readonly handler: string | null;
  },
): Promise<void> {
  await tx
    .insertInto('attempts')
    .values({
      ledger_id: attempt.ledgerId,
      attempt: attempt.number,
      duration_ms: Math.round(attempt.durationMs),
      code: attempt.failure.code,
      message: attempt.failure.message,
      fingerprint: attempt.failure.fingerprint,
      retry_in_ms: attempt.retry?.delayMs ?? null,
      retry_seed: attempt.retry?.seed ?? null,
      retry_jitter: attempt.retry?.jitter ?? null,
      retry_asked_ms: attempt.retry?.askedMs ?? null,
      handler: attempt.handler,
    })
    .execute();
}
