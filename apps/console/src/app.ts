import type { IncomingMessage } from 'node:http';
import { TransientError } from '@penstock/core/failure';
import { isDatabaseOutage, isStatementTimeout, type LedgerDatabase } from '@penstock/db/database';
import { ReplayError } from '@penstock/core/replay';
import type { OutboxQueue } from '@penstock/runtime/outbox-queue';
import type { WebhookQueue } from '@penstock/runtime/webhook-queue';
import { requestIdOf } from '@penstock/runtime/request-id';
import { traceIdOf } from '@penstock/runtime/trace-context';
import { within } from '@penstock/runtime/within';
import { Hono } from 'hono';
import { csrf } from 'hono/csrf';
import { HTTPException } from 'hono/http-exception';
import { readApi, type ReadApiWorld } from './api/read-api.ts';
import type { ConsoleEvents } from './events.ts';
import { conflictsRoute } from './conflicts-route.ts';
import { keysRoute } from './keys-route.ts';
import { limitBody } from './limit-body.ts';
import { loginRoutes, type LoginWorld } from './login.ts';
import { frontPage } from './pages.ts';
import { paymentRoute } from './payment-route.ts';
import { boardRoute } from './queue-board.ts';
import { maskBoardAnswers } from './mask-board.ts';
import { setBoardCookie } from './board-cookie.ts';
import { limitBoardChanges } from './board-changes.ts';
import { deadRoutes } from './dead-routes.ts';
import { replayRoutes } from './replay-routes.ts';
import { requireOperator } from './require-operator.ts';
import { idsOf } from './request.ts';
import { requireSession } from './require-session.ts';
import { refuse, type ConsoleEnv } from './respond.ts';
import { slaRoute } from './sla-route.ts';
import { secureAnswers } from './secure-answers.ts';

/** Operators look again rather than wait longer; a queue never reached since the start would let them wait for ever. */
const QUEUE_MS_MAX = 2_000;

/** What the console needs of the world. */
export interface ConsoleWorld extends LoginWorld, ReadApiWorld {
  readonly db: LedgerDatabase;
  readonly queue: Pick<WebhookQueue, 'bulls' | 'counts' | 'location' | 'forgetFailed' | 'recreate'>;
  readonly outbox: Pick<OutboxQueue, 'bull'>;
  readonly replayPerSecond: number;
  /** The address that a request comes from. */
  readonly clientOf: (request: IncomingMessage) => string;
  /** Undefined where none is known. */
  readonly prometheusUrl: string | undefined;
  readonly newId: () => string;
  readonly now: () => Date;
}

/** The operators' port. What stands below `requireSession` is for those who are logged in; above it is the login alone. */
export function createConsoleApp(world: ConsoleWorld, events: ConsoleEvents): Hono<ConsoleEnv> {
  const app = new Hono<ConsoleEnv>();

  app.use((context, next) => {
    const started = performance.now();
    const { method, path } = context.req;
    const requestId = requestIdOf(context.req.header('x-request-id'), world.newId);
    const address = world.clientOf(context.env.incoming);
    const request = { method, path, requestId, traceparent: context.req.header('traceparent') };
    return events.answering(request, async (span) => {
      const traceId = traceIdOf(span.traceparent);
      context.set('requestId', requestId);
      context.set('address', address);
      context.set('traceId', traceId);
      await next();
      context.res.headers.set('x-request-id', requestId);
      if (traceId !== undefined) context.res.headers.set('x-trace-id', traceId);
      events.requestAnswered({
        method,
        path,
        address,
        requestId,
        span,
        status: context.res.status,
        durationMs: performance.now() - started,
      });
    });
  });
  app.use(secureAnswers());
  // Refuses another site's forms. Whatever is no form, browsers send for another
  // site only after asking for leave (CORS), and none is given.
  app.use(csrf());
  app.route('/', loginRoutes(world, events));
  // Asks for a key, or for a session.
  app.route('/', readApi(world, events));

  app.use(requireSession(world.sessions));
  app.use(limitBody());
  app.use(requireOperator());
  app.get('/', async (context) =>
    context.html(
      frontPage({
        queueName: world.queue.location.name,
        counts: await within(QUEUE_MS_MAX, world.queue.counts()).catch(() => null),
      }),
    ),
  );
  // Where the header's form leads.
  app.get('/payments', (context) => {
    const id = context.req.query('id')?.trim() ?? '';
    return id === '' ? context.redirect('/') : context.redirect(`/payments/${encodeURIComponent(id)}`);
  });
  app.get('/payments/:id', paymentRoute(world.reads));
  app.get('/conflicts', conflictsRoute(world.db));
  app.get('/keys', keysRoute(world.db, world.now));
  app.get('/sla', slaRoute(world));
  app.route('/dead', deadRoutes(world));
  app.route('/replays', replayRoutes(world));
  const queues = { webhooks: world.queue.bulls(), outbox: world.outbox.bull };
  app.use('/queues/*', (_context, next) => within(QUEUE_MS_MAX, next()));
  // The board's own links lead here; it answers to the path without the slash.
  app.get('/queues/', (context) => context.redirect('/queues'));
  app.use('/queues/*', setBoardCookie(), limitBoardChanges(world, queues), maskBoardAnswers());
  app.all('/queues', boardRoute(queues));
  app.all('/queues/*', boardRoute(queues));

  app.notFound((context) => refuse(context, { kind: 'page_unknown' }));
  app.onError((error, context) => {
    if (error instanceof HTTPException && error.status === 403) return refuse(context, { kind: 'origin_foreign' });
    if (isStatementTimeout(error)) return refuse(context, { kind: 'read_too_slow' });
    if (error instanceof ReplayError) return refuse(context, { kind: 'replay_refused', error });
    if (error instanceof TransientError) return refuse(context, { kind: 'queue_unavailable' });
    events.requestFailed({ ...idsOf(context), error });
    return refuse(context, { kind: isDatabaseOutage(error) ? 'database_unavailable' : 'unexpected' });
  });
  return app;
}
