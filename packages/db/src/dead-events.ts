import { sql } from 'kysely';
import { ReplayError, type EventFilter } from '@penstock/core/replay';
import type { Connection, LedgerDatabase } from './database.ts';
import { eventMatches } from './event-filter.ts';
import { openEventBody } from './events.ts';
import { recordOperatorAction, type Operator } from './operator-actions.ts';
import type { DeathReason, LedgerState } from './schema.ts';

/** A dead event in a list. */
export interface DeadEvent {
  readonly id: number;
  readonly account: string;
  readonly eventId: string;
  readonly endpoint: string;
  readonly provider: string;
  readonly type: string;
  readonly state: LedgerState;
  readonly attempts: number;
  readonly code: string | null;
  readonly message: string | null;
  readonly fingerprint: string | null;
  readonly finishedAt: Date | null;
}

/** Events that the filter means, the last stored first; `beforeId` is the last id of the page before. */
export async function listEvents(
  db: Connection,
  given: { readonly filter: EventFilter; readonly beforeId?: number | undefined; readonly limit: number },
): Promise<readonly DeadEvent[]> {
  const { rows } = await sql<DeadEvent>`
    select ledger.id, ledger.account, ledger.provider_event_id as "eventId", ledger.endpoint, ledger.provider, events.type,
           ledger.state, ledger.attempts, ledger.failure_code as code, ledger.failure_message as message,
           ledger.failure_fingerprint as fingerprint, ledger.finished_at as "finishedAt"
    from ledger join events on (events.id, events.recorded_at) = (ledger.id, ledger.stored_at)
    where ${eventMatches(given.filter)} and ledger.id < ${given.beforeId ?? Number.MAX_SAFE_INTEGER}::bigint
    order by ledger.id desc limit ${given.limit}`.execute(db);
  return rows;
}

/** Everything known of one event that matters where it failed. */
export interface EventStory extends DeadEvent {
  readonly jobId: string;
  readonly reason: DeathReason | null;
  readonly firstFailure: { readonly code: string; readonly message: string } | null;
  readonly firstFailedAt: Date | null;
  readonly receivedAt: Date;
  readonly requestId: string;
  readonly traceId: string | null;
  readonly handlers: readonly { readonly handler: string; readonly state: string; readonly attempts: number }[];
  /** What happened to it, in order; at most 200. */
  readonly timeline: readonly { readonly at: Date; readonly what: string }[];
  readonly body: Buffer;
}

/** One event by its provider's id. Throws ReplayError `event_unknown`, `event_ambiguous`. */
export async function tellEvent(
  db: Connection,
  key: { readonly eventId: string; readonly account?: string | undefined },
): Promise<EventStory> {
  const id = await findOne(db, key);
  const { rows } = await sql<
    Omit<EventStory, 'timeline' | 'handlers' | 'firstFailure' | 'traceId'> & {
      readonly firstCode: string | null;
      readonly firstMessage: string | null;
      readonly traceparent: string | null;
      readonly body_sha256: Buffer;
    }
  >`
    select ledger.id, ledger.account, ledger.provider_event_id as "eventId", ledger.endpoint, ledger.provider, events.type,
           ledger.state, ledger.attempts, ledger.failure_code as code, ledger.failure_message as message,
           ledger.failure_fingerprint as fingerprint, ledger.finished_at as "finishedAt", ledger.job_id as "jobId",
           ledger.failure_reason as reason, ledger.first_failure_code as "firstCode",
           ledger.first_failure_message as "firstMessage", ledger.first_failed_at as "firstFailedAt",
           ledger.received_at as "receivedAt", ledger.request_id as "requestId", ledger.traceparent, events.body, events.body_sha256
    from ledger join events on (events.id, events.recorded_at) = (ledger.id, ledger.stored_at)
    where ledger.id = ${id}`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new ReplayError('event_unknown', `the body of ${key.eventId} is past its retention`);
  const { firstCode, firstMessage, traceparent, body_sha256, ...event } = row;
  const handlers = await db
    .selectFrom('handler_runs')
    .select(['handler', 'state', 'attempts'])
    .where('ledger_id', '=', id)
    .orderBy('handler')
    .execute();
  return {
    ...event,
    body: openEventBody(db, { ...event, provider_event_id: event.eventId, body_sha256 }),
    firstFailure: firstCode === null ? null : { code: firstCode, message: firstMessage ?? '' },
    traceId: traceparent?.split('-')[1] ?? null,
    handlers,
    timeline: await timelineOf(db, event),
  };
}

async function timelineOf(db: Connection, event: Pick<EventStory, 'id' | 'account' | 'eventId'>) {
  const { rows } = await sql<EventStory['timeline'][number]>`
    select at, what from (
      select received_at as at, 'received' as what from ledger where id = ${event.id}
      union all select failed_at, 'attempt ' || attempt || coalesce(' of ' || handler, '') || ' failed: ' || code
        || case when retry_in_ms is null then '' else ', next in ' || retry_in_ms || ' ms' end
        from attempts where ledger_id = ${event.id}
      union all select died_at, 'dead: ' || reason from deaths where ledger_id = ${event.id}
      union all select moved_at, 'replayed by replay ' || replay_id from replay_items
        where ledger_id = ${event.id} and state = 'moved'
      union all select at, action || ' by ' || operator || coalesce(': ' || reason, '') from operator_actions
        where target in (${targetOf(event)}, ${`ledger:${event.id}`})
      union all select finished_at, 'finished: ' || state from ledger
        where id = ${event.id} and state in ('processed', 'ignored')) story
    order by at, what limit 200`.execute(db);
  return rows;
}

/**
 * Decides that dead events stay dead: no repetition of the provider brings them
 * back, and reports leave them out. Returns their jobs, which are to leave the
 * failed set. Throws ReplayError `event_unknown`, `event_ambiguous`, `event_not_dead`.
 */
export async function discardEvent(
  db: LedgerDatabase,
  given: {
    readonly eventId: string;
    readonly account?: string | undefined;
    readonly operator: Operator;
    readonly reason: string;
  },
): Promise<{ readonly account: string; readonly jobId: string }> {
  const id = await findOne(db, given);
  return db.transaction().execute(async (tx) => {
    const row = await tx
      .selectFrom('ledger')
      .select(['state', 'account', 'job_id', 'failure_code'])
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirstOrThrow();
    if (row.state !== 'dead')
      throw new ReplayError('event_not_dead', `${given.eventId} is ${row.state}; only dead events are discarded`);
    await tx.updateTable('ledger').set({ state: 'discarded' }).where('id', '=', id).execute();
    await recordOperatorAction(tx, {
      operator: given.operator,
      action: 'event.discard',
      target: targetOf({ account: row.account, eventId: given.eventId }),
      reason: given.reason,
      details: { code: row.failure_code },
    });
    return { account: row.account, jobId: row.job_id };
  });
}

function targetOf({ account, eventId }: { readonly account: string; readonly eventId: string }): string {
  return `event:${account}/${eventId}`;
}

async function findOne(
  db: Connection,
  key: { readonly eventId: string; readonly account?: string | undefined },
): Promise<number> {
  // From account to account along the unique key: there is no index on the event's id alone.
  const { rows: found } = await sql<{ readonly id: number; readonly account: string }>`
    with recursive accounts as (
      (select account from ledger order by account limit 1)
      union all
      select (select account from ledger where account > accounts.account order by account limit 1)
      from accounts where accounts.account is not null)
    select id, ledger.account from accounts join ledger using (account)
    where provider_event_id = ${key.eventId} and ${key.account ?? null}::text is not distinct from
      (case when ${key.account ?? null}::text is null then null else ledger.account end)
    order by id limit 10`.execute(db);
  const [one, another] = found;
  if (one === undefined) throw new ReplayError('event_unknown', `the ledger holds no event ${key.eventId}`);
  if (another !== undefined)
    throw new ReplayError(
      'event_ambiguous',
      `${key.eventId} is an event of ${found.map(({ account }) => account).join(', ')}; choose an account`,
    );
  return one.id;
}
