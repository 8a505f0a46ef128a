import { sql } from 'kysely';
import { paymentFactSchema, type PaymentFact } from '@penstock/core/payment-event';
import type { Delivery } from '@penstock/core/delivery';
import { openAnswer } from './confirmations.ts';
import type { Connection } from './database.ts';
import { openEventBody } from './events.ts';

/** An event that has been folded, as it has to be read again. */
export interface FoldedEvent {
  readonly id: number;
  readonly account: string;
  readonly provider: string;
  readonly endpoint: string;
  readonly providerEventId: string;
  readonly tier: Delivery['tier'] | null;
  /** Null where it is past its retention: then what it said is known by its facts alone. */
  readonly body: Buffer | null;
  /** What the provider's API said of it; null where it was not asked. */
  readonly answer: Buffer | null;
}

/** Where events are read from, and how far. Ids have gaps. */
export interface EventRange {
  readonly afterId: number;
  readonly uptoId: number;
}

/**
 * Those that were folded: finished, or given to their handlers; in the order
 * they came. A range, not so many: where the planner has no statistics yet it
 * reads all that a condition leaves, sorts it, and takes the first few.
 */
export async function foldedEvents(db: Connection, range: EventRange): Promise<readonly FoldedEvent[]> {
  const rows = await selectEvents(db, range)
    .where('ledger.id', '>', range.afterId)
    .where('ledger.id', '<=', range.uptoId)
    .where((where) =>
      where.or([
        where('ledger.state', 'in', ['processed', 'ignored']),
        where.exists(
          where.selectFrom('handler_runs').select('ledger_id').whereRef('handler_runs.ledger_id', '=', 'ledger.id'),
        ),
      ]),
    )
    .orderBy('ledger.id')
    .execute();
  return rows.map((row) => openFolded(db, row));
}

/** The next id after that one that there is; null where there is none. */
export async function nextEventId(db: Connection, afterId: number): Promise<number | null> {
  const next = await db
    .selectFrom('ledger')
    .select((select) => select.fn.min<number | null>('id').as('id'))
    .where('id', '>', afterId)
    .executeTakeFirst();
  return next?.id ?? null;
}

/** Those whose facts are in the live set and not in the shadow's: they were folded since it was read. */
export async function eventsFoldedSince(db: Connection, schema: string): Promise<readonly FoldedEvent[]> {
  const rows = await selectEvents(db, { afterId: 0, uptoId: Number.MAX_SAFE_INTEGER })
    .where(
      sql<boolean>`ledger.id in (select event_id from public.payment_facts except select event_id from ${sql.id(schema, 'told_facts')})`,
    )
    .orderBy('ledger.id')
    .execute();
  return rows.map((row) => openFolded(db, row));
}

/** The facts that are live of these events, each in its order. */
export async function liveFactsOf(
  db: Connection,
  eventIds: readonly number[],
): Promise<ReadonlyMap<number, readonly PaymentFact[]>> {
  if (eventIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('payment_facts')
    .select(['event_id', 'fact'])
    .where('event_id', 'in', [...eventIds])
    .orderBy('event_id')
    .orderBy('ordinal')
    .execute();
  const byEvent = Map.groupBy(rows, (row) => row.event_id);
  return new Map([...byEvent].map(([id, facts]) => [id, facts.map(({ fact }) => paymentFactSchema.parse(fact))]));
}

/** How many events there are about, and the last of them. */
export async function measureLedger(db: Connection): Promise<{ readonly lastId: number; readonly count: number }> {
  const { rows } = await sql<{ last_id: number | null; count: number }>`
    select (select max(id) from ledger) as last_id, (select count(*) from ledger)::int as count`.execute(db);
  return { lastId: rows[0]?.last_id ?? 0, count: rows[0]?.count ?? 0 };
}

/** The range is said of each table: the planner does not infer it, and a merge would read every table from end to end, for every batch. */
function selectEvents(db: Connection, { afterId, uptoId }: EventRange) {
  return db
    .selectFrom('ledger')
    .leftJoin('events', (join) =>
      join
        .onRef('events.id', '=', 'ledger.id')
        .onRef('events.recorded_at', '=', 'ledger.stored_at')
        .on('events.id', '>', afterId)
        .on('events.id', '<=', uptoId),
    )
    .leftJoin('confirmations', (join) =>
      join
        .onRef('confirmations.ledger_id', '=', 'ledger.id')
        .onRef('confirmations.recorded_at', '=', 'ledger.stored_at')
        .on('confirmations.ledger_id', '>', afterId)
        .on('confirmations.ledger_id', '<=', uptoId),
    )
    .select([
      'ledger.id',
      'ledger.account',
      'ledger.provider',
      'ledger.endpoint',
      'events.tier',
      'events.body',
      'ledger.provider_event_id',
      'events.body_sha256',
      'confirmations.body as answer',
      'confirmations.body_sha256 as answer_sha256',
    ]);
}

type FoldedRow = Omit<FoldedEvent, 'providerEventId'> & {
  readonly provider_event_id: string;
  readonly body_sha256: Buffer | null;
  readonly answer_sha256: Buffer | null;
};

function openFolded(db: Connection, row: FoldedRow): FoldedEvent {
  const { body, body_sha256, answer_sha256: _hash, provider_event_id, ...event } = row;
  return {
    ...event,
    providerEventId: provider_event_id,
    body:
      body === null || body_sha256 === null
        ? null
        : openEventBody(db, { ...event, provider_event_id, body, body_sha256 }),
    answer: openAnswer(db, row),
  };
}
