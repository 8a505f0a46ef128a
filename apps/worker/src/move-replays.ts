import { sql } from 'kysely';
import type { Delivery } from '@penstock/core/delivery';
import { covers, type Handler } from '@penstock/core/handler';
import { askHandlers } from '@penstock/db/asked-handlers';
import type { LedgerDatabase, LedgerTransaction } from '@penstock/db/database';
import { deliveryOfStoredEvent } from '@penstock/db/events';
import { countItems, markItems, nextItems, type PlannedItem } from '@penstock/db/replay-items';
import { endReplay, expirePlans, holdReplays, lockDueReplay, paceReplay, runningReplays } from '@penstock/db/replays';
import { lockEvents, reviveEvents, type LockedEvent } from '@penstock/db/revive-events';
import type { WebhookQueue } from '@penstock/runtime/webhook-queue';

/** What moving needs of the world. */
export interface ReplayWorld {
  readonly db: LedgerDatabase;
  readonly queue: Pick<WebhookQueue, 'recreate' | 'counts'>;
  readonly handlers: readonly Pick<Handler<LedgerTransaction>, 'name' | 'pattern'>[];
  readonly newId: () => string;
  /** Most events a second, of the whole fleet. */
  readonly perSecond: number;
  /** Nothing is moved while more than this wait in the queue. */
  readonly waitingMax: number;
  /** Told once a batch is in the queue and before the ledger says so; where a test ends the process. */
  readonly afterEnqueue?: () => void;
}

/** What one look moved. */
export interface Moved {
  readonly replayId: number;
  readonly moved: number;
  readonly skipped: number;
}

/** How often a worker looks: half a second is soon enough for whoever watches a bar, and a question to one index. */
export const MOVE_MS = 500;

/** How often it is counted whether what was moved has ended: a large replay takes a while to count. */
const SETTLE_MS = 2_000;

/** "penstock replay" in PostgreSQL's space of advisory locks. */
const REPLAY_LOCK = 7_365_710;

type RunningReplay = Awaited<ReturnType<typeof runningReplays>>[number];

/**
 * Gives the next events of the replay that was applied first back to the
 * workers, at its pace and below live traffic, and ends replays of which
 * nothing is left. One worker of the fleet moves at a time.
 */
export async function moveReplays(world: ReplayWorld): Promise<Moved | null> {
  await expirePlans(world.db);
  const running = await runningReplays(world.db);
  if (running.length === 0) return null;
  if ((await world.queue.counts()).waiting > world.waitingMax) {
    await holdReplays(world.db);
    return null;
  }
  for (const replay of running) {
    const moved = await moveBatch(replay, world);
    if (moved !== 'nothing left') return moved;
  }
  return null;
}

/**
 * One batch in one transaction: its jobs are put into the queue while its
 * ledger rows are locked, so that a worker that takes one waits, and then sees
 * what is committed here. Where this process dies in between, nothing of it is
 * committed: a dead event runs as it would when its provider repeats it, a
 * finished one is a duplicate, and the next look finds both planned still.
 */
async function moveBatch(replay: RunningReplay, world: ReplayWorld): Promise<Moved | 'nothing left' | null> {
  const perSecond = Math.min(replay.perSecond, world.perSecond);
  const limit = Math.max(1, Math.ceil((perSecond * MOVE_MS) / 1_000));
  return world.db.transaction().execute(async (tx) => {
    const {
      rows: [row],
    } = await sql<{ held: boolean }>`select pg_try_advisory_xact_lock(${REPLAY_LOCK}) as held`.execute(tx);
    if (row?.held !== true || !(await lockDueReplay(tx, replay.id))) return null;
    const items = await nextItems(tx, { replayId: replay.id, limit });
    if (items.length === 0) return settle(tx, replay.id);

    const locked = await lockEvents(
      tx,
      items.map(({ ledgerId }) => ledgerId),
    );
    const { move, skip, asked } = judge(items, { locked, replay, world });
    await reviveEvents(tx, move);
    await askHandlers(tx, asked);
    await markItems(tx, { replayId: replay.id, state: 'moved', ledgerIds: move });
    await markItems(tx, { replayId: replay.id, state: 'skipped', ledgerIds: skip });
    await paceReplay(tx, replay.id, (Math.max(1, move.length) / perSecond) * 1_000);
    await enqueue(await deliveriesOf(tx, move, world.newId), world);
    world.afterEnqueue?.();
    return { replayId: replay.id, moved: move.length, skipped: skip.length };
  });
}

/** Which of them are given back, and which have another state than they were planned with, or nothing to run. */
function judge(
  items: readonly PlannedItem[],
  given: {
    readonly locked: ReadonlyMap<number, LockedEvent>;
    readonly replay: RunningReplay;
    readonly world: ReplayWorld;
  },
) {
  const move: number[] = [];
  const skip: number[] = [];
  const asked: { ledgerId: number; handler: string; replayId: number }[] = [];
  for (const { ledgerId, was } of items) {
    const event = given.locked.get(ledgerId);
    // A worker has it in hand: the next look judges it.
    if (event === undefined) continue;
    const handlers = chosenHandlers(event, given);
    if (event.state !== was || handlers?.length === 0) {
      skip.push(ledgerId);
      continue;
    }
    move.push(ledgerId);
    for (const handler of handlers ?? []) asked.push({ ledgerId, handler, replayId: given.replay.id });
  }
  return { move, skip, asked };
}

/** The chosen handlers that cover the event; null where none were chosen, and those run that are not done. */
function chosenHandlers(
  event: LockedEvent,
  { replay, world }: { readonly replay: RunningReplay; readonly world: ReplayWorld },
): readonly string[] | null {
  const chosen = replay.handlers;
  const { type } = event;
  if (type === null) return [];
  if (chosen === null) return null;
  return world.handlers
    .filter(({ name, pattern }) => chosen.includes(name) && covers(pattern, { ...event, type }))
    .map(({ name }) => name);
}

async function deliveriesOf(
  tx: LedgerTransaction,
  ids: readonly number[],
  newId: () => string,
): Promise<readonly Delivery[]> {
  const deliveries: Delivery[] = [];
  for (const id of ids) deliveries.push(await deliveryOfStoredEvent(tx, id, newId()));
  return deliveries;
}

async function enqueue(deliveries: readonly Delivery[], { queue }: ReplayWorld): Promise<void> {
  await Promise.all(deliveries.map((delivery) => queue.recreate(delivery, { lane: 'replay' })));
}

/** Ends the replay once what it moved has ended too: its result is then what came of it. */
async function settle(tx: LedgerTransaction, id: number): Promise<'nothing left'> {
  const result = await countItems(tx, id);
  if (result.underWay === 0) await endReplay(tx, { id, result });
  else await paceReplay(tx, id, SETTLE_MS);
  return 'nothing left';
}
