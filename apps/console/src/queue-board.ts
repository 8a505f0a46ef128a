import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { HonoAdapter } from '@bull-board/hono';
import { serveStatic } from '@hono/node-server/serve-static';
import type { BullQueue } from '@penstock/runtime/queue-backends';
import type { Hono } from 'hono';
import * as z from 'zod';

/** Bull Board over the webhook queue, to look at: it refuses to change anything. */
export function createQueueBoard(queue: BullQueue): Hono {
  const serverAdapter = new HonoAdapter(serveStatic);
  serverAdapter.setBasePath('/queues');
  createBullBoard({
    queues: [
      new BullMQAdapter(boardQueue.parse(queue), {
        readOnlyMode: true,
        displayName: 'Webhooks',
        description: 'Events on their way from ingest to the ledger; failed ones are dead letters. Read-only.',
      }),
    ],
    serverAdapter,
    options: { uiConfig: { boardTitle: 'Penstock queues', miscLinks: [{ text: 'Console', url: '/' }] } },
  });
  return serverAdapter.registerPlugin();
}

/** Typed for queues on Redis, the adapter takes those on PostgreSQL as well; it checks for itself that it was given a queue. */
const boardQueue = z.custom<ConstructorParameters<typeof BullMQAdapter>[0]>();
