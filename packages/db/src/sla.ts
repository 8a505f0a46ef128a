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

/** How events of one provider and type fared. Times are from receipt at ingest to the committed effect, in seconds. */
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

/** The events of a range, each with whether it was late. Reads one stretch of the index `ledger_by_time`. */
const judged = ({ from, to, lateMs }: SlaRange) => sql`
  select ledger.id, ledger.provider, ledger.state, ledger.received_at, ledger.stored_at,
         extract(epoch from ledger.finished_at - ledger.received_at)::float8 as seconds,
         extract(epoch from coalesce(ledger.finished_at, now()) - ledger.received_at)::float8 as waited,
         ledger.state = 'dead'
           or coalesce(ledger.finished_at, now()) - ledger.received_at > ${lateMs} * interval '1 millisecond' as late
  from ledger
  where ledger.received_at >= ${from} and ledger.received_at < ${to} and ledger.endpoint <> ${CANARY_ENDPOINT}`;

/** How every provider's types fared, the latest first. An event that is dead was not processed in time. */
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
