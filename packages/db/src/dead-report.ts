import { sql } from 'kysely';
import type { Connection } from './database.ts';

/** Why events are dead, and whether it gets better. */
export interface DeadReport {
  readonly from: Date;
  readonly to: Date;
  /** Dead now, whenever they died. */
  readonly dead: number;
  /** Deaths in the time looked at, those healed since included. */
  readonly deaths: number;
  /** By fingerprint, the most dead first; at most 20. */
  readonly causes: readonly DeadCause[];
  /** Dead now by provider and type, the most first; at most 20. */
  readonly kinds: readonly { readonly provider: string; readonly type: string; readonly dead: number }[];
  /** Deaths in equal parts of the time looked at, oldest first. */
  readonly trend: readonly { readonly from: Date; readonly deaths: number }[];
  readonly replayed: Healing;
}

/** Of the dead events that replays gave back to the workers, how many ended well. */
export interface Healing {
  readonly events: number;
  readonly healed: number;
}

export interface DeadCause {
  readonly fingerprint: string;
  readonly code: string;
  /** Of the one that died last. */
  readonly message: string;
  /** Dead of it now. */
  readonly dead: number;
  /** Deaths of it in the time looked at. */
  readonly deaths: number;
  /** When it killed an event first, and last. */
  readonly firstSeen: Date;
  readonly lastSeen: Date;
  readonly replayed: Healing;
}

/** Parts of the trend: seven days of quarters. */
const TREND_PARTS = 28;

const ROWS_MAX = 20;

/** What the dead events have in common. Times of the trend are when they died. */
export async function deadReport(
  db: Connection,
  { from, to }: { readonly from: Date; readonly to: Date },
): Promise<DeadReport> {
  const { rows: causes } = await sql<Omit<DeadCause, 'replayed'> & Healing>`
    with died as (
      select fingerprint, (array_agg(code order by id desc))[1] as code, (array_agg(message order by id desc))[1] as message,
             min(died_at) as first_seen, max(died_at) as last_seen,
             count(*) filter (where died_at >= ${from} and died_at < ${to}) as deaths
      from deaths group by fingerprint),
    now_dead as (
      select failure_fingerprint as fingerprint, count(*) as dead from ledger where state = 'dead' group by 1),
    replayed as (
      select fingerprint, count(distinct ledger_id) as events,
             count(distinct ledger_id) filter (where ledger.state in ('processed', 'ignored')) as healed
      from replay_items item join ledger on ledger.id = ledger_id
      where item.state = 'moved' and item.was in ('dead', 'discarded') group by 1)
    select died.fingerprint, code, message, coalesce(dead, 0)::int as dead, deaths::int,
           first_seen as "firstSeen", last_seen as "lastSeen",
           coalesce(events, 0)::int as events, coalesce(healed, 0)::int as healed
    from died left join now_dead using (fingerprint) left join replayed using (fingerprint)
    where coalesce(dead, 0) > 0 or deaths > 0
    order by dead desc, deaths desc, last_seen desc limit ${ROWS_MAX}`.execute(db);
  const { rows: kinds } = await sql<DeadReport['kinds'][number]>`
    select ledger.provider, events.type, count(*)::int as dead
    from ledger join events on (events.id, events.recorded_at) = (ledger.id, ledger.stored_at)
    where ledger.state = 'dead' group by 1, 2 order by dead desc, 1, 2 limit ${ROWS_MAX}`.execute(db);
  const totals = await totalsOf(db, { from, to });
  return {
    from,
    to,
    ...totals,
    causes: causes.map(({ events, healed, ...cause }) => ({ ...cause, replayed: { events, healed } })),
    kinds,
    trend: await trendOf(db, { from, to }),
  };
}

async function totalsOf(db: Connection, { from, to }: { readonly from: Date; readonly to: Date }) {
  const { rows } = await sql<{ dead: number; deaths: number } & Healing>`
    select (select count(*) from ledger where state = 'dead')::int as dead,
           (select count(*) from deaths where died_at >= ${from} and died_at < ${to})::int as deaths,
           count(distinct ledger_id)::int as events,
           (count(distinct ledger_id) filter (where ledger.state in ('processed', 'ignored')))::int as healed
    from replay_items item join ledger on ledger.id = ledger_id
    where item.state = 'moved' and item.was in ('dead', 'discarded')`.execute(db);
  const [row] = rows;
  return {
    dead: row?.dead ?? 0,
    deaths: row?.deaths ?? 0,
    replayed: { events: row?.events ?? 0, healed: row?.healed ?? 0 },
  };
}

async function trendOf(
  db: Connection,
  { from, to }: { readonly from: Date; readonly to: Date },
): Promise<DeadReport['trend']> {
  const [start, end] = [from.getTime(), to.getTime()];
  const { rows } = await sql<{ part: number; deaths: number }>`
    select width_bucket(extract(epoch from died_at), ${start / 1_000}::numeric, ${end / 1_000}::numeric, ${TREND_PARTS}::int) as part,
           count(*)::int as deaths
    from deaths where died_at >= ${from} and died_at < ${to} group by 1`.execute(db);
  const byPart = new Map(rows.map(({ part, deaths }) => [part, deaths]));
  return Array.from({ length: TREND_PARTS }, (_, position) => ({
    from: new Date(start + ((end - start) / TREND_PARTS) * position),
    deaths: byPart.get(position + 1) ?? 0,
  }));
}
