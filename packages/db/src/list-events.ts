import { sql, type RawBuilder, type SqlBool } from 'kysely';
import type { Connection } from './database.ts';
import { openEventBody } from './events.ts';
import { all, given, olderThan, type PageRequest } from './listing.ts';
import { paymentKeysNamed } from './payments.ts';
import type { LedgerState } from './schema.ts';

export interface EventFilter {
  readonly account?: string | undefined;
  readonly provider?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly type?: string | undefined;
  readonly state?: LedgerState | undefined;
  readonly fingerprint?: string | undefined;
  /** The provider's own id of the event. */
  readonly eventId?: string | undefined;
  /** Any id of a payment that the event says something about. */
  readonly payment?: string | undefined;
  readonly receivedFrom?: Date | undefined;
  readonly receivedTo?: Date | undefined;
}

export interface EventKey {
  readonly receivedAt: Date;
  readonly id: number;
}

/**
 * Events by when they arrived, newest first, without their bytes. The ledger
 * knows every event for ever; what only the stored event says is null where
 * that is no longer kept.
 */
export async function listEvents(db: Connection, filter: EventFilter, page: PageRequest<EventKey>) {
  // Both tables hold what the same delivery said; a search by type goes along the events' index that begins with it.
  const table = filter.type === undefined ? 'ledger' : 'events';
  const time = sql.ref<Date>(`${table}.received_at`);
  const id = sql.ref<number>(`${table}.id`);
  return selectEvents(db)
    .where(
      all([
        ...eventConditions(filter, table),
        ...given(filter.receivedFrom, (value) => sql<SqlBool>`${time} >= ${value}`),
        ...given(filter.receivedTo, (value) => sql<SqlBool>`${time} < ${value}`),
        ...(page.after === null
          ? []
          : [olderThan([`${table}.received_at`, `${table}.id`], [page.after.receivedAt, page.after.id])]),
      ]),
    )
    .orderBy(time, 'desc')
    .orderBy(id, 'desc')
    .limit(page.limit)
    .execute();
}

function eventConditions(filter: EventFilter, table: 'ledger' | 'events'): readonly RawBuilder<SqlBool>[] {
  const column = (name: string): RawBuilder<unknown> => sql.ref(`${table}.${name}`);
  return [
    ...given(filter.account, (value) => sql<SqlBool>`${column('account')} = ${value}`),
    ...given(filter.provider, (value) => sql<SqlBool>`${column('provider')} = ${value}`),
    ...given(filter.endpoint, (value) => sql<SqlBool>`${column('endpoint')} = ${value}`),
    ...given(filter.type, (value) => sql<SqlBool>`events.type = ${value}`),
    // As text in the statement, so that the indexes of one state are seen to fit; it is one of a few words.
    ...given(filter.state, (value) => sql<SqlBool>`ledger.state = ${sql.lit(value)}`),
    ...given(filter.fingerprint, (value) => sql<SqlBool>`ledger.failure_fingerprint = ${value}`),
    ...given(filter.eventId, (value) => sql<SqlBool>`ledger.provider_event_id = ${value}`),
    ...given(
      filter.payment,
      (value) =>
        sql<SqlBool>`ledger.id in (select event_id from payment_facts where payment_key in (${paymentKeysNamed(value)}))`,
    ),
  ];
}

/** One event by its number in the ledger, without its bytes. */
export async function findEvent(db: Connection, id: number) {
  return selectEvents(db).where('ledger.id', '=', id).executeTakeFirst();
}

/** The exact bytes of an event, where they are kept. */
export async function findEventBody(db: Connection, id: number) {
  const row = await db
    .selectFrom('ledger')
    .innerJoin('events', (join) =>
      join.onRef('events.id', '=', 'ledger.id').onRef('events.recorded_at', '=', 'ledger.stored_at'),
    )
    .select(['events.account', 'events.provider_event_id', 'events.content_type', 'events.body', 'events.body_sha256'])
    .where('ledger.id', '=', id)
    .executeTakeFirst();
  return row === undefined ? undefined : { ...row, body: openEventBody(db, row) };
}

/** Failed attempts at an event or one of its handlers, oldest first; at most 200. */
export async function attemptsOf(db: Connection, ledgerId: number) {
  return db
    .selectFrom('attempts')
    .select(['attempt', 'failed_at', 'duration_ms', 'code', 'message', 'fingerprint', 'retry_in_ms', 'handler'])
    .where('ledger_id', '=', ledgerId)
    .orderBy('id')
    .limit(200)
    .execute();
}

function selectEvents(db: Connection) {
  return db
    .selectFrom('ledger')
    .leftJoin('events', (join) =>
      join.onRef('events.id', '=', 'ledger.id').onRef('events.recorded_at', '=', 'ledger.stored_at'),
    )
    .select([
      'ledger.id',
      'ledger.account',
      'ledger.provider',
      'ledger.endpoint',
      'ledger.provider_event_id',
      'ledger.state',
      'ledger.attempts',
      'ledger.received_at',
      'ledger.finished_at',
      'ledger.failure_code',
      'ledger.failure_message',
      'ledger.failure_fingerprint',
      'ledger.failure_reason',
      'ledger.request_id',
      'ledger.body_sha256',
      'events.type',
      'events.shape',
      'events.occurred_at',
      'events.livemode',
      'events.api_version',
      'events.tier',
      'events.key_id',
      'events.origin',
    ]);
}
