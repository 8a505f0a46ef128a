import { conflictKinds, explainConflict } from '@penstock/core/conflict';
import type { LedgerDatabase } from '@penstock/db/database';
import { findConflicts } from '@penstock/db/find-conflicts';
import type { Handler } from 'hono';
import * as z from 'zod';
import { conflictsPage } from './conflicts-page.ts';
import { wantsPage } from './request.ts';
import { refuse, type ConsoleEnv } from './respond.ts';

const query = z.object({
  state: z.enum(['open', 'resolved', 'dismissed', 'all']).default('open'),
  kind: z.enum(conflictKinds).optional(),
  account: z.string().max(64).optional(),
  after: z.coerce.number().int().positive().optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});

/** GET /conflicts?state=&kind=&account=&limit=&after=: a page for people, JSON for the rest. */
export function conflictsRoute(db: LedgerDatabase): Handler<ConsoleEnv, '/conflicts'> {
  return async (context) => {
    const parsed = query.safeParse(context.req.query());
    if (!parsed.success) {
      const problem = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
      return refuse(context, { kind: 'parameter_invalid', problem });
    }
    const { state, after, limit, ...filter } = parsed.data;
    const found = await findConflicts(
      db,
      { ...filter, state: state === 'all' ? undefined : state },
      { limit, beforeId: after },
    );
    const last = found.length === limit ? found.at(-1)?.id : undefined;
    if (!wantsPage(context.req.header('accept')))
      return context.json({
        conflicts: found.map((conflict) => ({ ...conflict, reason: explainConflict(conflict) })),
        after: last ?? null,
      });
    const more =
      last === undefined ? null : `/conflicts?${new URLSearchParams({ ...context.req.query(), after: String(last) })}`;
    return context.html(conflictsPage({ conflicts: found, state, more }));
  };
}
