import { sql } from 'kysely';
import { jobIdOf, type Delivery } from '@penstock/core/delivery';
import type { Failure } from '@penstock/core/failure';
import type { Connection, LedgerTransaction } from './database.ts';
import type { DeathReason, LedgerState } from './schema.ts';

/** What the ledger knows of an event, its row locked for the transaction. */
export interface LedgerEntry {
  readonly id: number;
  readonly state: LedgerState;
  readonly bodySha256: string;
  /** True where this call made the row. */
  readonly isNew: boolean;
}

/**
 * Enters the event, or finds it entered, and locks its row until the
 * transaction ends: of two workers with one event, the second waits here and
 * then sees what the first committed.
 */
export async function enterLedger(tx: LedgerTransaction, delivery: Delivery): Promise<LedgerEntry> {
  const inserted = await tx
    .insertInto('ledger')
    .values({
      account: delivery.account,
      provider_event_id: delivery.eventId,
      endpoint: delivery.endpoint,
      provider: delivery.provider,
      job_id: jobIdOf(delivery),
      body_sha256: Buffer.from(delivery.bodySha256, 'hex'),
      received_at: new Date(delivery.receivedAt),
      request_id: delivery.requestId,
      traceparent: delivery.traceparent ?? null,
      finished_at: null,
      failure_code: null,
      failure_message: null,
      failure_fingerprint: null,
      failure_reason: null,
      first_failed_at: null,
      first_failure_code: null,
      first_failure_message: null,
      first_failure_fingerprint: null,
    })
    .onConflict((conflict) => conflict.columns(['account', 'provider_event_id']).doNothing())
    .returning('id')
    .executeTakeFirst();
  if (inserted !== undefined)
    return { id: inserted.id, state: 'received', bodySha256: delivery.bodySha256, isNew: true };

  const found = await tx
    .selectFrom('ledger')
    .select(['id', 'state', 'body_sha256'])
    .where('account', '=', delivery.account)
    .where('provider_event_id', '=', delivery.eventId)
    .forUpdate()
    .executeTakeFirstOrThrow();
  return { id: found.id, state: found.state, bodySha256: found.body_sha256.toString('hex'), isNew: false };
}

/** Marks the event finished, in the transaction of its effects. */
export async function finishLedger(tx: LedgerTransaction, id: number, state: 'processed' | 'ignored'): Promise<void> {
  await tx
    .updateTable('ledger')
    .set({ state, finished_at: sql<Date>`now()`, touched_at: sql<Date>`now()`, attempts: sql<number>`attempts + 1` })
    .where('id', '=', id)
    .execute();
}

/** Records a failed attempt after which the event is tried again. */
export async function recordFailure(tx: LedgerTransaction, id: number, failure: Failure): Promise<void> {
  await tx
    .updateTable('ledger')
    .set({ state: 'received', finished_at: null, failure_reason: null, ...failureColumns(failure) })
    .where('id', '=', id)
    .execute();
}

/** Marks the event dead: it will not be retried by itself. */
export async function recordDeath(
  tx: LedgerTransaction,
  id: number,
  death: { readonly failure: Failure; readonly reason: DeathReason },
): Promise<void> {
  await tx
    .updateTable('ledger')
    .set({
      state: 'dead',
      finished_at: sql<Date>`now()`,
      failure_reason: death.reason,
      ...failureColumns(death.failure),
    })
    .where('id', '=', id)
    .execute();
}

function failureColumns(failure: Failure) {
  return {
    touched_at: sql<Date>`now()`,
    attempts: sql<number>`attempts + 1`,
    first_failed_at: sql<Date>`coalesce(first_failed_at, now())`,
    first_failure_code: sql<string>`coalesce(first_failure_code, ${failure.code})`,
    first_failure_message: sql<string>`coalesce(first_failure_message, ${failure.message})`,
    first_failure_fingerprint: sql<string>`coalesce(first_failure_fingerprint, ${failure.fingerprint})`,
    failure_code: failure.code,
    failure_message: failure.message,
    failure_fingerprint: failure.fingerprint,
  };
}

/** A stored event that nothing has moved for a while. */
export interface UnfinishedEvent {
  readonly id: number;
  readonly jobId: string;
}

/** Stored but unfinished events untouched since `before`, in id order after `afterId`; at most `limit`. */
export async function unfinishedEvents(
  db: Connection,
  range: { readonly before: Date; readonly afterId: number; readonly limit: number },
): Promise<readonly UnfinishedEvent[]> {
  const rows = await db
    .selectFrom('ledger')
    .select(['id', 'job_id'])
    .where('state', '=', 'received')
    .where('touched_at', '<', range.before)
    .where('id', '>', range.afterId)
    .orderBy('id')
    .limit(range.limit)
    .execute();
  return rows.map((row) => ({ id: row.id, jobId: row.job_id }));
}

/** The state of an event by its provider's id, or undefined where it is not stored. */
export async function ledgerStateOf(
  db: Connection,
  key: { readonly account: string; readonly eventId: string },
): Promise<LedgerState | undefined> {
  const row = await db
    .selectFrom('ledger')
    .select('state')
    .where('account', '=', key.account)
    .where('provider_event_id', '=', key.eventId)
    .executeTakeFirst();
  return row?.state;
}

/** The states of these events, by provider event id; those not stored are absent. */
export async function ledgerStatesOf(
  db: Connection,
  eventIds: readonly string[],
): Promise<ReadonlyMap<string, LedgerState>> {
  const rows = await db
    .selectFrom('ledger')
    .select(['provider_event_id', 'state'])
    .where('provider_event_id', 'in', [...eventIds])
    .execute();
  return new Map(rows.map((row) => [row.provider_event_id, row.state]));
}

/** Those of these events that are dead, with why. */
export async function deadEvents(db: Connection, eventIds: readonly string[]) {
  return db
    .selectFrom('ledger')
    .innerJoin('events', 'events.id', 'ledger.id')
    .select([
      'ledger.provider_event_id as eventId',
      'events.type',
      'ledger.attempts',
      'ledger.failure_code as code',
      'ledger.failure_message as message',
    ])
    .where('ledger.state', '=', 'dead')
    .where('ledger.provider_event_id', 'in', [...eventIds])
    .orderBy('ledger.id')
    .execute();
}
