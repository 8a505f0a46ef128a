import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { HonoAdapter } from '@bull-board/hono';
import { serveStatic } from '@hono/node-server/serve-static';
import type { BullQueue } from '@penstock/runtime/queue-backends';
import { Hono, type Handler, type MiddlewareHandler } from 'hono';
import * as z from 'zod';
import { maskJobData, maskJobValue } from './mask-board.ts';
import type { ConsoleEnv } from './respond.ts';
import type { Role } from './sessions.ts';

/** The queues that the board shows. */
export interface BoardQueues {
  /** One, or one for each shard. */
  readonly webhooks: readonly BullQueue[];
  readonly outbox: BullQueue;
}

/** Bull Board for whoever is logged in: readers get one that offers no change, operators one that retries. */
export function boardRoute(queues: BoardQueues): Handler<ConsoleEnv> {
  const boards = { reader: createQueueBoard(queues, 'reader'), operator: createQueueBoard(queues, 'operator') };
  return (context) => boards[context.var.session.role].fetch(context.req.raw, context.env);
}

function createQueueBoard({ webhooks, outbox }: BoardQueues, role: Role): Hono {
  const serverAdapter = new HonoAdapter(serveStatic);
  serverAdapter.setBasePath('/queues');
  const mode = role === 'operator' ? { allowRetries: true, allowCompletedRetries: false } : { readOnlyMode: true };
  const manner = role === 'operator' ? 'Single jobs can be retried; for many, plan a replay.' : 'Read-only.';
  createBullBoard({
    queues: [
      ...webhooks.map((shard, number) =>
        masked(
          new BullMQAdapter(boardQueue.parse(shard), {
            ...mode,
            displayName: webhooks.length === 1 ? 'Webhooks' : `Webhooks ${number}`,
            description: `Events on their way from ingest to the ledger; failed ones are dead letters. ${manner}`,
          }),
        ),
      ),
      masked(
        new BullMQAdapter(boardQueue.parse(outbox), {
          ...mode,
          displayName: 'Outbox',
          description: `Messages on their way to destinations. ${manner}`,
        }),
      ),
    ],
    serverAdapter,
    options: { uiConfig: { boardTitle: 'Penstock queues', miscLinks: [{ text: 'Console', url: '/' }] } },
  });
  const board = new Hono();
  board.use(hideRefused());
  board.get('/queues/board.css', (context) =>
    context.body(styleSheet, 200, { 'content-type': 'text/css; charset=utf-8' }),
  );
  board.route('/queues', serverAdapter.registerPlugin());
  // The console's own answers to faults stand for the board's as well.
  board.onError((error) => {
    throw error;
  });
  return board;
}

/**
 * The board's page, with a style sheet of ours that takes away what the console would refuse, in place of one of a font
 * service, which its policy refuses.
 */
function hideRefused(): MiddlewareHandler {
  return async (context, next) => {
    await next();
    if (context.res.headers.get('content-type')?.startsWith('text/html') !== true) return;
    const page = await context.res.text();
    const { status, headers } = context.res;
    const ours = page
      .replace(/<link href="https:\/\/fonts\.[^>]+>/, '')
      .replace('</head>', '<link rel="stylesheet" href="/queues/board.css"></head>');
    context.res = new Response(ours, { status, headers });
  };
}

const styleSheet = readFileSync(path.join(import.meta.dirname, 'board.css'), 'utf8');

/** What the board shows of a job, as people may see it. */
function masked(adapter: BullMQAdapter): BullMQAdapter {
  adapter.setFormatter('data', maskJobData);
  adapter.setFormatter('returnValue', maskJobValue);
  adapter.setFormatter('progress', maskJobValue);
  return adapter;
}

/** Typed for queues on Redis, the adapter takes those on PostgreSQL as well; it checks for itself that it was given a queue. */
const boardQueue = z.custom<ConstructorParameters<typeof BullMQAdapter>[0]>();
