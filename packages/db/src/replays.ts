import { sql } from 'kysely';
import { ReplayError, type EventFilter, type ReplayResult, type ReplayState } from '@penstock/core/replay';
import type { Connection, LedgerDatabase, LedgerTransaction } from './database.ts';
import { recordOperatorAction, type Operator } from './operator-actions.ts';
import { countItems, dropItems } from './replay-items.ts';

/** A plan that was not applied for this long says nothing of today: it expires. */
const PLAN_HOURS = 24;

/** A replay as it stands. */
export type Replay = Awaited<ReturnType<typeof listReplays>>[number];

/** Replays, the latest first, before the one with this id; at most `limit`. */
export async function listReplays(
  db: Connection,
  range: { readonly beforeId?: number | undefined; readonly limit: number; readonly id?: number },
) {
  const rows = db.selectFrom('replays').selectAll().orderBy('id', 'desc').limit(range.limit);
  const before = range.beforeId === undefined ? rows : rows.where('id', '<', range.beforeId);
  const found = await (range.id === undefined ? before : before.where('id', '=', range.id)).execute();
  return found.map((row) => ({
    id: row.id,
    state: row.state,
    plannedBy: row.planned_by,
    reason: row.reason,
    filter: row.filter,
    handlers: row.handlers,
    perSecond: row.per_second,
    events: row.events,
    createdAt: row.created_at,
    appliedBy: row.applied_by,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    heldReason: row.held_reason,
    result: row.result,
  }));
}

/** One replay. Throws ReplayError `replay_unknown`. */
export async function findReplay(db: Connection, id: number): Promise<Replay> {
  const [replay] = await listReplays(db, { id, limit: 1 });
  if (replay === undefined)
    throw new ReplayError('replay_unknown', `there is no replay ${id}; "pnpm replay list" shows those there are`);
  return replay;
}

/** Stores a plan without its events. */
export async function insertReplay(
  tx: LedgerTransaction,
  plan: {
    readonly operator: string;
    readonly reason: string;
    readonly filter: EventFilter;
    readonly handlers: readonly string[] | null;
    readonly perSecond: number;
  },
): Promise<number> {
  const { id } = await tx
    .insertInto('replays')
    .values({
      planned_by: plan.operator,
      reason: plan.reason,
      filter: JSON.stringify(plan.filter),
      handlers: plan.handlers === null ? null : JSON.stringify(plan.handlers),
      per_second: plan.perSecond,
      events: 0,
      applied_by: null,
      started_at: null,
      finished_at: null,
      held_reason: null,
      result: null,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

/** What an operator can do to a replay, from which states, and where it leads. */
const replayCommands = {
  apply: { from: ['planned'], to: 'running', action: 'replay.apply' },
  pause: { from: ['running'], to: 'paused', action: 'replay.pause' },
  resume: { from: ['paused'], to: 'running', action: 'replay.resume' },
  cancel: { from: ['planned', 'running', 'paused'], to: 'cancelled', action: 'replay.cancel' },
} as const satisfies Record<
  string,
  { readonly from: readonly ReplayState[]; readonly to: ReplayState; action: string }
>;
export type ReplayCommand = keyof typeof replayCommands;

/**
 * Applies, pauses, resumes or cancels, and records who did. Once it has
 * returned, no event of a paused or cancelled replay is moved: a batch that is
 * being moved is waited for. Throws ReplayError `replay_unknown`,
 * `replay_expired`, `replay_state_wrong`.
 */
export async function commandReplay(
  db: LedgerDatabase,
  given: {
    readonly id: number;
    readonly command: ReplayCommand;
    readonly operator: Operator;
    readonly reason: string | null;
  },
): Promise<Replay> {
  const { id, command, operator } = given;
  const { from, to, action } = replayCommands[command];
  await db.transaction().execute(async (tx) => {
    const row = await tx
      .selectFrom('replays')
      .select(['state', sql<boolean>`created_at < now() - make_interval(hours => ${PLAN_HOURS})`.as('old')])
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst();
    if (row === undefined) await findReplay(tx, id);
    const state = row?.state ?? 'expired';
    if (command === 'apply' && (state === 'expired' || (state === 'planned' && row?.old === true)))
      throw new ReplayError(
        'replay_expired',
        `the plan ${id} is older than ${PLAN_HOURS} hours and says nothing of today; plan again`,
      );
    if (!from.some((each) => each === state))
      throw new ReplayError(
        'replay_state_wrong',
        `the replay ${id} is ${state}; ${command} needs ${from.join(' or ')}`,
      );
    await tx
      .updateTable('replays')
      .set({
        state: to,
        held_reason: null,
        finished_at: to === 'cancelled' ? sql<Date>`now()` : null,
        ...(command === 'apply' ? { applied_by: operator.name, started_at: sql<Date>`now()` } : {}),
      })
      .where('id', '=', id)
      .execute();
    const details = { events: await countItems(tx, id) };
    await recordOperatorAction(tx, { operator, action, target: `replay:${id}`, reason: given.reason, details });
  });
  return findReplay(db, id);
}

/** The replays that are being moved, in the order in which they were applied. */
export async function runningReplays(db: Connection) {
  return db
    .selectFrom('replays')
    .select(['id', 'handlers', 'per_second as perSecond', 'held_reason as heldReason'])
    .where('state', '=', 'running')
    .orderBy('started_at')
    .orderBy('id')
    .execute();
}

/** Locks a replay against commands; false where it is not running, or its next batch is not due. */
export async function lockDueReplay(tx: LedgerTransaction, id: number): Promise<boolean> {
  const row = await tx
    .selectFrom('replays')
    .select('id')
    .where('id', '=', id)
    .where('state', '=', 'running')
    .where('next_move_at', '<=', sql<Date>`now()`)
    .forUpdate()
    .skipLocked()
    .executeTakeFirst();
  return row !== undefined;
}

/** Says when the next batch is due, by the database's clock: the pace is the fleet's. */
export async function paceReplay(tx: LedgerTransaction, id: number, pauseMs: number): Promise<void> {
  await tx
    .updateTable('replays')
    .set({ next_move_at: sql<Date>`clock_timestamp() + make_interval(secs => ${pauseMs / 1_000})`, held_reason: null })
    .where('id', '=', id)
    .execute();
}

/** Says that running replays wait for live traffic. */
export async function holdReplays(db: Connection): Promise<void> {
  await db
    .updateTable('replays')
    .set({ held_reason: 'live_traffic' })
    .where('state', '=', 'running')
    .where('held_reason', 'is', null)
    .execute();
}

/** Ends a replay of which nothing is left to move or to wait for, with what came of it, in the audit too. */
export async function endReplay(
  tx: LedgerTransaction,
  { id, result }: { readonly id: number; readonly result: ReplayResult },
): Promise<void> {
  const ended = await tx
    .updateTable('replays')
    .set({ state: 'done', finished_at: sql<Date>`now()`, held_reason: null, result: JSON.stringify(result) })
    .where('id', '=', id)
    .where('state', '=', 'running')
    .returning(['applied_by', 'reason', 'filter', 'handlers'])
    .executeTakeFirst();
  if (ended === undefined) return;
  await recordOperatorAction(tx, {
    operator: { name: ended.applied_by ?? 'unknown', requestId: `replay-${id}` },
    action: 'replay.end',
    target: `replay:${id}`,
    reason: ended.reason,
    details: { filter: ended.filter, handlers: ended.handlers, result },
  });
}

/** Ends plans that nobody applied in time, and forgets which events they meant. */
export async function expirePlans(db: LedgerDatabase): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const expired = await tx
      .updateTable('replays')
      .set({ state: 'expired', finished_at: sql<Date>`now()` })
      .where('state', '=', 'planned')
      .where('created_at', '<', sql<Date>`now() - make_interval(hours => ${PLAN_HOURS})`)
      .returning('id')
      .execute();
    for (const { id } of expired) await dropItems(tx, id);
  });
}
