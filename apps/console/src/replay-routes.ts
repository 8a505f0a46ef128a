import { ReplayError } from '@penstock/core/replay';
import type { LedgerDatabase } from '@penstock/db/database';
import { knownHandlers } from '@penstock/db/known-handlers';
import { describePlan, planReplay } from '@penstock/db/plan-replay';
import { countItems } from '@penstock/db/replay-items';
import { commandReplay, findReplay, listReplays } from '@penstock/db/replays';
import { Hono } from 'hono';
import * as z from 'zod';
import { readFilter } from './read-filter.ts';
import { replayPage, replaysPage } from './replays-page.ts';
import { wantsPage } from './request.ts';
import { operatorOf } from './operator-of.ts';
import { refuse, type ConsoleEnv } from './respond.ts';

const PAGE = 50;

/** What these pages need of the world. */
export interface ReplayPagesWorld {
  readonly db: LedgerDatabase;
  readonly now: () => Date;
  readonly replayPerSecond: number;
}

/** /replays: plan, look, apply, pause, resume, cancel. Pages for people, JSON for the rest. */
export function replayRoutes({ db, now, replayPerSecond }: ReplayPagesWorld): Hono<ConsoleEnv> {
  const routes = new Hono<ConsoleEnv>();

  routes.get('/', async (context) => {
    const before = context.req.query('before');
    const beforeId = before === undefined ? undefined : idOf(before);
    const replays = await listReplays(db, { beforeId, limit: PAGE });
    if (!wantsPage(context.req.header('accept'))) return context.json({ replays });
    const last = replays.length === PAGE ? replays.at(-1) : undefined;
    const nextPage = last === undefined ? null : `/replays?before=${last.id}`;
    return context.html(
      replaysPage({ replays, nextPage, handlers: await knownHandlers(db), session: context.var.session }),
    );
  });

  routes.post('/', async (context) => {
    const form = new URLSearchParams(await context.req.text());
    const read = readFilter(form, now());
    if ('problem' in read) return refuse(context, { kind: 'parameter_invalid', problem: read.problem });
    const reason = form.get('why')?.trim() ?? '';
    if (reason === '') return refuse(context, { kind: 'parameter_invalid', problem: 'The reason is missing.' });
    const { filter } = read;
    const handlers = form.getAll('handler');
    const { replay } = await planReplay(db, {
      filter,
      // Choosing finished events and handlers in one form is what --force is on the command line.
      force: filter.states.some((state) => state === 'processed' || state === 'ignored'),
      handlers: handlers.length === 0 ? 'not done' : handlers,
      perSecond: replayPerSecond,
      operator: operatorOf(context),
      reason,
    });
    return context.redirect(`/replays/${replay.id}`, 303);
  });

  routes.get('/:id', async (context) => {
    const replay = await findReplay(db, idOf(context.req.param('id')));
    const counts = replay.result ?? (await countItems(db, replay.id));
    const plan = replay.state === 'planned' ? await describePlan(db, replay.id) : null;
    if (!wantsPage(context.req.header('accept'))) return context.json({ ...replay, counts, plan });
    // The browser looks again by itself while there is something to see.
    if (replay.state === 'running') context.header('refresh', '2');
    return context.html(replayPage({ replay, counts, plan, session: context.var.session }));
  });

  routes.post('/:id/:command', async (context) => {
    const command = commandSchema.safeParse(context.req.param('command'));
    if (!command.success) return refuse(context, { kind: 'page_unknown' });
    const { id } = await commandReplay(db, {
      id: idOf(context.req.param('id')),
      command: command.data,
      operator: operatorOf(context),
      reason: null,
    });
    return context.redirect(`/replays/${id}`, 303);
  });
  return routes;
}

const commandSchema = z.enum(['apply', 'pause', 'resume', 'cancel']);

function idOf(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new ReplayError('replay_unknown', `there is no replay ${text}`);
  return Number(text);
}
