import { sql } from 'kysely';
import type { Failure } from '@penstock/core/failure';
import type { Connection, LedgerTransaction } from './database.ts';
import type { HandlerRunState } from './schema.ts';
import { setOf } from './set-of.ts';

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

const runColumns = {
  ledger_id: 'bigint',
  handler: 'text',
  version: 'int',
  state: 'text',
  duration_ms: 'int',
  failure_code: 'text',
  failure_message: 'text',
  failure_fingerprint: 'text',
} as const;

/** The same for several events at once. */
export async function recordRunsTogether(
  tx: LedgerTransaction,
  runs: readonly { readonly ledgerId: number; readonly attempt: HandlerAttempt }[],
): Promise<void> {
  if (runs.length === 0) return;
  const told = runs.map(({ ledgerId: ledger_id, attempt: { handler, version, state, durationMs, failure } }) => ({
    ledger_id,
    handler,
    version,
    state,
    duration_ms: Math.round(durationMs),
    failure_code: failure?.code,
    failure_message: failure?.message,
    failure_fingerprint: failure?.fingerprint,
  }));
  await sql`
    insert into handler_runs (ledger_id, handler, version, state, attempts, duration_ms, failure_code, failure_message,
                              failure_fingerprint)
    select ledger_id, handler, version, state, 1, duration_ms, failure_code, failure_message, failure_fingerprint
    from ${setOf('told', runColumns, told)}
    on conflict (ledger_id, handler) do update
    set version = excluded.version, state = excluded.state, attempts = handler_runs.attempts + 1,
        duration_ms = excluded.duration_ms, failure_code = excluded.failure_code,
        failure_message = excluded.failure_message, failure_fingerprint = excluded.failure_fingerprint,
        updated_at = now()`.execute(tx);
}
