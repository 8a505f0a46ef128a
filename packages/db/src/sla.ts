import { CANARY_ENDPOINT } from '@penstock/core/canary';
import { sql } from 'kysely';
import type { Connection } from './database.ts';

/** The stretch of time looked at: received from `from` (inclusive) to `to` (exclusive). */
export interface SlaRange {
  readonly from: Date;
  readonly to: Date;
  /** An event that has not ended after so long is late. */
  readonly lateMs: number;
}

/** How events of one provider and type fared. Times are from receipt at ingest to the committed effect, in seconds; of those that never died. */
export interface SlaRow {
  readonly provider: string;
  /** `unknown` where the event itself is past its retention. */
  readonly type: string;
  readonly events: number;
  readonly late: number;
  readonly dead: number;
  /** Received and not ended yet. */
  readonly waiting: number;
  /** Null where none has ended. */
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly most: number | null;
}

/** A minute in which late events were received. */
export interface LateMinute {
  readonly minute: Date;
  readonly late: number;
  readonly providers: readonly string[];
  readonly mostSeconds: number;
}

/** Types of a provider told apart at most; Stripe has about 250. */
const ROWS_MAX = 1_000;

/** A week of nothing but late minutes. */
const MINUTES_MAX = 10_080;

/** The events of a range. Reads one stretch of the index `ledger_by_time`. */
const received = ({ from, to }: Pick<SlaRange, 'from' | 'to'>) => sql`
  select ledger.*, exists (select from deaths where deaths.ledger_id = ledger.id) or ledger.state = 'dead' as died,
         exists (select from replay_items as item where item.ledger_id = ledger.id and item.state = 'moved'
                 and item.was in ('processed', 'ignored')) as replayed
  from ledger where ledger.received_at >= ${from} and ledger.received_at < ${to}`;

/**
 * The genuine events of a range, each with whether it was late. One that a
 * replay ran again after it was finished is left out: when it was finished first
 * is not known any more. One that has ever died was late, whatever healed it.
 */
const judged = (range: SlaRange) => sql`
  select id, provider, state, received_at, stored_at,
         case when not died then extract(epoch from finished_at - received_at)::float8 end as seconds,
         extract(epoch from coalesce(finished_at, now()) - received_at)::float8 as waited,
         died or coalesce(finished_at, now()) - received_at > ${range.lateMs} * interval '1 millisecond' as late
  from (${received(range)}) as received
  where endpoint <> ${CANARY_ENDPOINT} and not replayed`;

/** How every provider's types fared, the latest first. An event that has died was not processed in time. */
export async function slaByType(db: Connection, range: SlaRange): Promise<readonly SlaRow[]> {
  const { rows } = await sql<SlaRow>`
    select judged.provider, coalesce(events.type, 'unknown') as type, count(*)::int as events,
           count(*) filter (where late)::int as late, count(*) filter (where state = 'dead')::int as dead,
           count(*) filter (where state = 'received')::int as waiting,
           percentile_disc(0.5) within group (order by seconds) as p50,
           percentile_disc(0.95) within group (order by seconds) as p95,
           percentile_disc(0.99) within group (order by seconds) as p99,
           max(seconds) as most
    from (${judged(range)}) as judged
    left join events on events.id = judged.id and events.recorded_at = judged.stored_at
    group by 1, 2
    order by late desc, events desc, 1, 2
    limit ${ROWS_MAX}`.execute(db);
  return rows;
}

/** What is not among the genuine events of a range. */
export interface SlaBeside {
  /** Events that a replay ran again after they were finished. */
  readonly replayed: number;
  readonly canary: {
    /** That reached the ledger; one that did not is known to its sender alone. */
    readonly sent: number;
    readonly late: number;
    readonly lastReceivedAt: Date | null;
    /** Seconds from receipt to the finished row. */
    readonly p50: number | null;
    readonly most: number | null;
  };
}

/** What is left out of the service level, counted: the few rows of it alone are read. */
export async function slaBeside(db: Connection, { from, to, lateMs }: SlaRange): Promise<SlaBeside> {
  const {
    rows: [given],
  } = await sql<{ replayed: number }>`
    select count(distinct ledger.id)::int as replayed
    from replay_items as item join ledger on ledger.id = item.ledger_id
    where item.state = 'moved' and item.was in ('processed', 'ignored')
      and ledger.received_at >= ${from} and ledger.received_at < ${to}`.execute(db);
  // By the account, which begins the ledger's unique key, and which a canary's endpoint shares its name with.
  const {
    rows: [canary],
  } = await sql<SlaBeside['canary']>`
    select count(*)::int as sent, count(*) filter (where late)::int as late, max(received_at) as "lastReceivedAt",
           percentile_disc(0.5) within group (order by seconds) as p50, max(seconds) as most
    from (select received_at, extract(epoch from finished_at - received_at)::float8 as seconds,
                 state = 'dead' or coalesce(finished_at, now()) - received_at > ${lateMs} * interval '1 millisecond' as late
          from ledger
          where account = ${CANARY_ENDPOINT} and received_at >= ${from} and received_at < ${to}) as told`.execute(db);
  if (given === undefined || canary === undefined) throw new Error('an aggregate gave no row');
  return { ...given, canary };
}

/** The minutes in which late events were received, in their order. */
export async function lateMinutes(db: Connection, range: SlaRange): Promise<readonly LateMinute[]> {
  const { rows } = await sql<LateMinute>`
    select date_trunc('minute', received_at) as minute, count(*)::int as late,
           array_agg(distinct provider order by provider) as providers, max(waited) as "mostSeconds"
    from (${judged(range)}) as judged
    where late
    group by 1
    order by 1
    limit ${MINUTES_MAX}`.execute(db);
  return rows;
}
