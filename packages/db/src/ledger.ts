import { sql } from 'kysely';
import { jobIdOf, type Delivery } from '@penstock/core/delivery';
import type { Failure } from '@penstock/core/failure';
import type { Connection, LedgerTransaction } from './database.ts';
import { insertDelivery } from './deliveries.ts';
import { storeDeath } from './deaths.ts';
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
 * then sees what the first committed. The delivery is recorded with it, in the
 * same statement.
 */
export async function enterLedger(tx: LedgerTransaction, delivery: Delivery): Promise<LedgerEntry> {
  const { account, eventId, bodySha256 } = delivery;
  const {
    rows: [inserted],
  } = await sql<{ id: number }>`
    with entered as (
      insert into ledger (account, provider_event_id, endpoint, provider, job_id, body_sha256, received_at, request_id,
                          traceparent)
      values (${account}, ${eventId}, ${delivery.endpoint}, ${delivery.provider}, ${jobIdOf(delivery)},
              decode(${bodySha256}, 'hex'), ${delivery.receivedAt}, ${delivery.requestId}, ${delivery.traceparent ?? null})
      on conflict (account, provider_event_id) do nothing
      returning id, 'first' as kind),
    delivered as (${insertDelivery(delivery)})
    select id from entered`.execute(tx);
  if (inserted !== undefined) return { id: inserted.id, state: 'received', bodySha256, isNew: true };

  const {
    rows: [found],
  } = await sql<{ id: number; state: LedgerState; body_sha256: Buffer }>`
    with entered as (
      select id, state, body_sha256,
             case when body_sha256 = decode(${bodySha256}, 'hex') then 'repeat' else 'other_body' end as kind
      from ledger where account = ${account} and provider_event_id = ${eventId}
      for update),
    delivered as (${insertDelivery(delivery)})
    select id, state, body_sha256 from entered`.execute(tx);
  if (found === undefined) throw new Error('the ledger holds no row for an event whose row it refused to make');
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
  await storeDeath(tx, id, death);
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

/** A dead event, for the sweeper; `finishedAt` and `id` are its place in the order of deaths. */
export interface DeadEvent {
  readonly id: number;
  readonly jobId: string;
  readonly finishedAt: Date;
}

/** Dead events, the latest deaths first: those of before `before`, or beyond `after`; at most `limit`. */
export async function latestDeaths(
  db: Connection,
  range: { readonly before: Date; readonly after: DeadEvent | null; readonly limit: number },
): Promise<readonly DeadEvent[]> {
  const { before, after, limit } = range;
  const rows = await db
    .selectFrom('ledger')
    .select(['id', 'job_id', 'finished_at'])
    .where('state', '=', 'dead')
    .where('finished_at', '<', before)
    .$if(after !== null, (query) =>
      query.where(({ eb, refTuple, tuple }) =>
        eb(refTuple('finished_at', 'id'), '<', tuple(after?.finishedAt ?? before, after?.id ?? 0)),
      ),
    )
    .orderBy('finished_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
  return rows.map((row) => ({ id: row.id, jobId: row.job_id, finishedAt: row.finished_at ?? before }));
}

/** Why an event is dead; undefined where it is not. */
export async function findDeath(
  db: Connection,
  key: { readonly account: string; readonly eventId: string },
): Promise<{ readonly code: string; readonly message: string } | undefined> {
  const row = await db
    .selectFrom('ledger')
    .select(['failure_code', 'failure_message'])
    .where('account', '=', key.account)
    .where('provider_event_id', '=', key.eventId)
    .where('state', '=', 'dead')
    .executeTakeFirst();
  return row === undefined ? undefined : { code: row.failure_code ?? '', message: row.failure_message ?? '' };
}

/** Where an event stands, by its provider's id, or undefined where it is not stored. Locks nothing. */
export async function ledgerStandingOf(
  db: Connection,
  key: { readonly account: string; readonly eventId: string },
): Promise<{ readonly state: LedgerState; readonly bodySha256: string } | undefined> {
  const row = await db
    .selectFrom('ledger')
    .select(['state', 'body_sha256'])
    .where('account', '=', key.account)
    .where('provider_event_id', '=', key.eventId)
    .executeTakeFirst();
  return row === undefined ? undefined : { state: row.state, bodySha256: row.body_sha256.toString('hex') };
}

/** The state of an event; undefined where it is not stored. */
export async function findState(
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
    .innerJoin('events', (join) =>
      join.onRef('events.id', '=', 'ledger.id').onRef('events.recorded_at', '=', 'ledger.stored_at'),
    )
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
