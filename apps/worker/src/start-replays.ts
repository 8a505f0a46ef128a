import type { Handler } from '@penstock/core/handler';
import type { LedgerDatabase, LedgerTransaction } from '@penstock/db/database';
import { rememberHandlers } from '@penstock/db/known-handlers';
import type { ProcessScope } from '@penstock/runtime/lifecycle';
import type { WebhookQueue } from '@penstock/runtime/webhook-queue';
import type { WorkerConfig } from './config.ts';
import type { createWorkerEvents } from './events.ts';
import { MOVE_MS, moveReplays, type ReplayWorld } from './move-replays.ts';
import { repeat } from './repeat.ts';

/** Tells which handlers this worker runs, and starts what moves replays. Closed by the scope. */
export async function startReplays(
  given: {
    readonly db: LedgerDatabase;
    readonly queue: WebhookQueue;
    readonly handlers: readonly Handler<LedgerTransaction>[];
    readonly newId: () => string;
    readonly config: Pick<WorkerConfig, 'replayPerSecond' | 'replayWaitingMax'>;
    readonly events: Pick<ReturnType<typeof createWorkerEvents>, 'replayMoved' | 'replayFailed'>;
    readonly afterEnqueue: (() => void) | undefined;
  },
  scope: ProcessScope,
): Promise<void> {
  const { db, queue, handlers, newId, config, events, afterEnqueue } = given;
  await rememberHandlers(db, handlers);
  const world: ReplayWorld = {
    db,
    queue,
    handlers,
    newId,
    perSecond: config.replayPerSecond,
    waitingMax: config.replayWaitingMax,
    ...(afterEnqueue === undefined ? {} : { afterEnqueue }),
  };
  scope.resources.use(
    repeat({
      everyMs: MOVE_MS,
      onError: events.replayFailed,
      task: async () => {
        const moved = await moveReplays(world);
        if (moved !== null) events.replayMoved(moved);
      },
    }),
  );
}
