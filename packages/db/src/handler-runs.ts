import { sql } from 'kysely';
import type { Failure } from '@penstock/core/failure';
import type { Connection, LedgerTransaction } from './database.ts';
import type { HandlerRunState } from './schema.ts';

/** How a handler stands with an event. */
export interface HandlerRun {
  readonly handler: string;
  readonly state: HandlerRunState;
  /** Of its last attempt; null once it is done. */
  readonly failure: Failure | null;
}

/** What became of one attempt of a handler. */
export interface HandlerAttempt {
  readonly handler: string;
  readonly version: number;
  readonly durationMs: number;
  readonly state: HandlerRunState;
  readonly failure: Failure | null;
}

/** Every handler that has been run for an event, by name. */
export async function handlerRunsOf(db: Connection, ledgerId: number): Promise<ReadonlyMap<string, HandlerRun>> {
  const rows = await db
    .selectFrom('handler_runs')
    .select(['handler', 'state', 'failure_code', 'failure_message', 'failure_fingerprint'])
    .where('ledger_id', '=', ledgerId)
    .execute();
  return new Map(
    rows.map((row) => {
      const { handler, state, failure_code: code, failure_message: message, failure_fingerprint: fingerprint } = row;
      const failure =
        code === null
          ? null
          : { code, message: message ?? '', fingerprint: fingerprint ?? '', permanent: state === 'dead' };
      return [handler, { handler, state, failure }];
    }),
  );
}

/** Records one attempt of each of these handlers, in the transaction of their writes. */
export async function recordHandlerRuns(
  tx: LedgerTransaction,
  ledgerId: number,
  attempts: readonly HandlerAttempt[],
): Promise<void> {
  await recordRunsTogether(
    tx,
    attempts.map((attempt) => ({ ledgerId, attempt })),
  );
}

/** The same for several events at once. */
export async function recordRunsTogether(
  tx: LedgerTransaction,
  runs: readonly { readonly ledgerId: number; readonly attempt: HandlerAttempt }[],
): Promise<void> {
  if (runs.length === 0) return;
  await tx
    .insertInto('handler_runs')
    .values(
      runs.map(({ ledgerId, attempt }) => ({
        ledger_id: ledgerId,
        handler: attempt.handler,
        version: attempt.version,
        state: attempt.state,
        attempts: 1,
        duration_ms: Math.round(attempt.durationMs),
        failure_code: attempt.failure?.code ?? null,
        failure_message: attempt.failure?.message ?? null,
        failure_fingerprint: attempt.failure?.fingerprint ?? null,
      })),
    )
    .onConflict((conflict) =>
      conflict.columns(['ledger_id', 'handler']).doUpdateSet({
        version: (row) => row.ref('excluded.version'),
        state: (row) => row.ref('excluded.state'),
        attempts: sql<number>`handler_runs.attempts + 1`,
        duration_ms: (row) => row.ref('excluded.duration_ms'),
        failure_code: (row) => row.ref('excluded.failure_code'),
        failure_message: (row) => row.ref('excluded.failure_message'),
        failure_fingerprint: (row) => row.ref('excluded.failure_fingerprint'),
        updated_at: sql<Date>`now()`,
      }),
    )
    .execute();
}
