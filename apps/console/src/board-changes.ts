import { jobIdOf, parseDelivery, type Delivery } from '@penstock/core/delivery';
import { openWherePossible } from '@penstock/core/sealed-delivery';
import type { Connection, LedgerDatabase } from '@penstock/db/database';
import { reviveDeliveries } from '@penstock/db/dead-deliveries';
import { ledgerStandingOf } from '@penstock/db/ledger';
import { recordOperatorAction } from '@penstock/db/operator-actions';
import type { WebhookQueue } from '@penstock/runtime/webhook-queue';
import type { Context, MiddlewareHandler } from 'hono';
import type { BoardQueues } from './queue-board.ts';
import { operatorOf } from './operator-of.ts';
import { refuse, type ConsoleEnv } from './respond.ts';

/** What a retry needs of the world. */
export interface BoardWorld {
  readonly db: LedgerDatabase;
  readonly queue: Pick<WebhookQueue, 'recreate' | 'location'>;
}

/**
 * What of the board's changes is let through: the retry of one failed job,
 * where the ledger agrees, and it is recorded. Whatever else the board can do
 * would go behind the ledger's back.
 */
export function limitBoardChanges(world: BoardWorld, queues: BoardQueues): MiddlewareHandler<ConsoleEnv> {
  return async (context, next) => {
    const { method, path } = context.req;
    if (method === 'GET' || method === 'HEAD') return next();
    if (path.endsWith('/update-data')) return refuse(context, { kind: 'facts_not_editable' });
    const [, queueName, jobId] =
      /^\/queues\/api\/queues\/([^/]+)\/([^/]+)\/retry$/.exec(path)?.map(decodeURIComponent) ?? [];
    const queue = [...queues.webhooks, queues.outbox].find(({ name }) => name === queueName);
    if (method !== 'PUT' || jobId === undefined || queue === undefined)
      return refuse(context, { kind: 'board_change_refused' });
    const job = await queue.getJob(jobId);
    if (job === undefined || (await job.getState()) !== 'failed') return refuse(context, { kind: 'job_not_failed' });
    if (queue !== queues.outbox) return retryWebhook(context, world, { jobId, data: job.data });
    const message = /^delivery-(\d{1,15})$/.exec(jobId)?.[1];
    await world.db.transaction().execute(async (tx) => {
      await record(context, tx, { jobId, target: `job:${queue.name}/${jobId}` });
      if (message !== undefined) await reviveDeliveries(tx, [Number(message)]);
    });
    return next();
  };
}

/** Made anew rather than moved: with its attempts before it, and in the lane behind live events. */
async function retryWebhook(
  context: Context<ConsoleEnv>,
  world: BoardWorld,
  { jobId, data }: { readonly jobId: string; readonly data: unknown },
): Promise<Response> {
  const delivery = readDelivery(openWherePossible(data, world.queue.location.payloadKeys ?? null));
  // Another body under a known id has a job of its own beside the event's: the sweeper and the worker judge it.
  if (delivery === null || jobIdOf(delivery) !== jobId) return refuse(context, { kind: 'job_unreadable' });
  if ((await ledgerStandingOf(world.db, delivery))?.state === 'discarded')
    return refuse(context, { kind: 'event_discarded' });
  await record(context, world.db, { jobId, target: `event:${delivery.account}/${delivery.eventId}` });
  await world.queue.recreate(delivery, { lane: 'replay' });
  return context.body(null, 204);
}

function readDelivery(data: unknown): Delivery | null {
  try {
    return parseDelivery(data);
  } catch {
    return null;
  }
}

/**
 * Before the change: the queue is outside of any transaction of the ledger's. A
 * retry that then fails stands in the audit; none is without its row.
 */
async function record(
  context: Context<ConsoleEnv>,
  db: Connection,
  { jobId, target }: { readonly jobId: string; readonly target: string },
): Promise<void> {
  const operator = operatorOf(context);
  await recordOperatorAction(db, { operator, action: 'board.retry', target, reason: null, details: { jobId } });
}
