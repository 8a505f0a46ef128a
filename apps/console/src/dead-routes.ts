import { maskPayload } from '@penstock/core/masking/mask-fields';
import type { LedgerDatabase } from '@penstock/db/database';
import { discardEvent, listEvents, tellEvent } from '@penstock/db/dead-events';
import { deadReport } from '@penstock/db/dead-report';
import type { WebhookQueue } from '@penstock/runtime/webhook-queue';
import { Hono } from 'hono';
import { deadPage, eventPage, pathOf } from './dead-page.ts';
import { readFilter } from './read-filter.ts';
import { wantsPage } from './request.ts';
import { operatorOf } from './operator-of.ts';
import { refuse, type ConsoleEnv } from './respond.ts';

const PAGE = 50;
const REPORT_MS = 7 * 86_400_000;

/** What these pages need of the world. */
export interface DeadWorld {
  readonly db: LedgerDatabase;
  readonly queue: Pick<WebhookQueue, 'forgetFailed'>;
  readonly now: () => Date;
}

/** /dead: why, which, and one of them. Pages for people, JSON for the rest. */
export function deadRoutes({ db, queue, now }: DeadWorld): Hono<ConsoleEnv> {
  const routes = new Hono<ConsoleEnv>();

  routes.get('/', async (context) => {
    const fields = new URL(context.req.url).searchParams;
    const to = now();
    const read = readFilter(fields, to);
    if ('problem' in read) return refuse(context, { kind: 'parameter_invalid', problem: read.problem });
    const before = fields.get('before');
    if (before !== null && !/^\d{1,15}$/.test(before))
      return refuse(context, { kind: 'parameter_invalid', problem: 'before must be a number.' });
    const beforeId = before === null ? undefined : Number(before);
    const events = await listEvents(db, { filter: read.filter, beforeId, limit: PAGE });
    const report = await deadReport(db, { from: new Date(to.getTime() - REPORT_MS), to });
    const last = events.length === PAGE ? events.at(-1) : undefined;
    const next = last === undefined ? null : new URLSearchParams(fields);
    if (next !== null && last !== undefined) next.set('before', String(last.id));
    const nextPage = next === null ? null : `/dead?${next.toString()}`;
    return wantsPage(context.req.header('accept'))
      ? context.html(deadPage({ report, fields, events, nextPage, session: context.var.session }))
      : context.json({ report, events, nextPage });
  });

  routes.get('/:event', async (context) => {
    const { body, ...story } = await tellEvent(db, {
      eventId: context.req.param('event'),
      account: context.req.query('account'),
    });
    const preview = maskPayload(body.toString('utf8'));
    return wantsPage(context.req.header('accept'))
      ? context.html(eventPage({ story, preview, session: context.var.session }))
      : context.json({ ...story, preview });
  });

  routes.post('/:event/discard', async (context) => {
    const form = new URLSearchParams(await context.req.text());
    const reason = form.get('reason')?.trim() ?? '';
    if (reason === '') return refuse(context, { kind: 'parameter_invalid', problem: 'The reason is missing.' });
    const eventId = context.req.param('event');
    const { account, jobId } = await discardEvent(db, {
      eventId,
      account: form.get('account') ?? undefined,
      reason,
      operator: operatorOf(context),
    });
    await queue.forgetFailed(jobId);
    return context.redirect(pathOf({ eventId, account }), 303);
  });
  return routes;
}
