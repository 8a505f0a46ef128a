import { sql } from 'kysely';
import { covers } from '@penstock/core/handler';
import type { CanonicalType } from '@penstock/core/payment-event';
import { ReplayError, type EventFilter } from '@penstock/core/replay';
import type { Connection, LedgerDatabase } from './database.ts';
import { knownHandlers, type KnownHandler } from './known-handlers.ts';
import { recordOperatorAction, type Operator } from './operator-actions.ts';
import { selectItems } from './replay-items.ts';
import { findReplay, insertReplay, type Replay } from './replays.ts';

/** What somebody wants replayed. */
export interface ReplayRequest {
  readonly filter: EventFilter;
  /** Replay finished events too; then handlers are chosen. */
  readonly force: boolean;
  readonly handlers: 'not done' | 'all' | readonly string[];
  readonly perSecond: number;
  readonly operator: Operator;
  readonly reason: string;
}

/** What a replay would do. */
export interface ReplayPlan {
  readonly replay: Replay;
  /** By type and cause, the most first; at most 100. */
  readonly groups: readonly PlannedGroup[];
  readonly sample: readonly PlannedSample[];
  /** How often each handler would run, as far as what was translated tells. */
  readonly runs: readonly { readonly handler: string; readonly events: number }[];
  /** By the pace alone; longer where live traffic holds it back. */
  readonly estimateSeconds: number;
}

export interface PlannedGroup {
  readonly provider: string;
  readonly type: string;
  readonly code: string | null;
  readonly fingerprint: string | null;
  readonly events: number;
}

export interface PlannedSample {
  readonly account: string;
  readonly eventId: string;
  readonly type: string;
  readonly state: string;
  readonly message: string | null;
}

/** Events of one plan: its selection is frozen in one statement, which has a minute. */
const PLANNED_EVENTS_MAX = 1_000_000;

/**
 * Plans a replay of the whole filter: freezes which events, and changes nothing
 * of them. Throws ReplayError where it cannot be.
 */
export async function planReplay(db: LedgerDatabase, request: ReplayRequest): Promise<ReplayPlan> {
  const { filter, operator, reason, perSecond } = request;
  const handlers = chooseHandlers(request, await knownHandlers(db));
  const id = await db.transaction().execute(async (tx) => {
    const replayId = await insertReplay(tx, { operator: operator.name, reason, filter, handlers, perSecond });
    const events = await selectItems(tx, { replayId, filter, limit: PLANNED_EVENTS_MAX + 1 });
    if (events === 0) throw new ReplayError('replay_selects_nothing', 'no event matches the filter');
    if (events > PLANNED_EVENTS_MAX)
      throw new ReplayError(
        'replay_too_large',
        `the filter matches more than ${PLANNED_EVENTS_MAX} events; narrow it, for example by time`,
      );
    await tx.updateTable('replays').set({ events }).where('id', '=', replayId).execute();
    const details = { filter, handlers, events };
    await recordOperatorAction(tx, { operator, action: 'replay.plan', target: `replay:${replayId}`, reason, details });
    return replayId;
  });
  return describePlan(db, id);
}

function chooseHandlers(request: ReplayRequest, known: readonly KnownHandler[]): readonly string[] | null {
  const { states } = request.filter;
  const finished = states.some((state) => state === 'processed' || state === 'ignored');
  const unfinished = states.some((state) => state === 'dead' || state === 'discarded');
  if (finished && !request.force)
    throw new ReplayError('replay_needs_force', 'finished events are replayed only with --force and chosen handlers');
  if (!request.force) {
    if (request.handlers !== 'not done')
      throw new ReplayError(
        'replay_needs_force',
        'dead events run the handlers that are not done; handlers are chosen with --force, for finished ones',
      );
    return null;
  }
  if (unfinished)
    throw new ReplayError(
      'replay_needs_force',
      'dead and finished events need a plan each: --force is for finished ones',
    );
  if (request.handlers === 'not done' || request.handlers.length === 0)
    throw new ReplayError(
      'replay_needs_handlers',
      'all handlers of a finished event are done: name those to run again (--handler), or --all-handlers',
    );
  const names = known.map(({ name }) => name);
  if (request.handlers === 'all') return names;
  const unknown = request.handlers.filter((name) => !names.includes(name));
  if (unknown.length > 0)
    throw new ReplayError(
      'replay_handler_unknown',
      `no worker runs ${unknown.join(', ')}; there are: ${names.join(', ') || 'none'}`,
    );
  return request.handlers;
}

/** What a stored plan would do, by what is known now. Throws ReplayError `replay_unknown`. */
export async function describePlan(db: Connection, id: number): Promise<ReplayPlan> {
  const replay = await findReplay(db, id);
  const { rows: groups } = await sql<PlannedGroup>`
    select ledger.provider, events.type, ledger.failure_code as code, item.fingerprint, count(*)::int as events
    from replay_items item join ledger on ledger.id = item.ledger_id join events on (events.id, events.recorded_at) = (ledger.id, ledger.stored_at)
    where item.replay_id = ${id}
    group by 1, 2, 3, 4 order by events desc, 1, 2, 3, 4 limit 100`.execute(db);
  const { rows: sample } = await sql<PlannedSample>`
    select ledger.account, ledger.provider_event_id as "eventId", events.type, ledger.state,
           ledger.failure_message as message
    from replay_items item join ledger on ledger.id = item.ledger_id join events on (events.id, events.recorded_at) = (ledger.id, ledger.stored_at)
    where item.replay_id = ${id} order by ledger.id limit 5`.execute(db);
  const runs = await plannedRuns(db, replay);
  return { replay, groups, sample, runs, estimateSeconds: Math.ceil(replay.events / replay.perSecond) };
}

async function plannedRuns(db: Connection, { id, handlers }: Replay): Promise<ReplayPlan['runs']> {
  const { rows: kinds } = await sql<{
    readonly provider: string;
    readonly type: string;
    readonly canonicalTypes: readonly CanonicalType[];
    readonly events: number;
  }>`
    select provider, type, "canonicalTypes", count(*)::int as events from (
      select ledger.provider, events.type,
             array(select distinct type from payment_facts where event_id = ledger.id order by type) as "canonicalTypes"
      from replay_items item join ledger on ledger.id = item.ledger_id join events on (events.id, events.recorded_at) = (ledger.id, ledger.stored_at)
      where item.replay_id = ${id}) kinds
    group by 1, 2, 3`.execute(db);
  const { rows: done } = await sql<{ readonly handler: string; readonly events: number }>`
    select run.handler, count(*)::int as events
    from replay_items item join handler_runs run on run.ledger_id = item.ledger_id
    where item.replay_id = ${id} and run.state = 'done' group by 1`.execute(db);
  const doneBy = new Map(done.map(({ handler, events }) => [handler, events]));
  return (await knownHandlers(db))
    .filter(({ name }) => handlers === null || handlers.includes(name))
    .map(({ name, pattern }) => {
      const covered = kinds.filter((kind) => covers(pattern, kind)).reduce((sum, { events }) => sum + events, 0);
      return { handler: name, events: handlers === null ? Math.max(0, covered - (doneBy.get(name) ?? 0)) : covered };
    })
    .filter(({ events }) => events > 0);
}
