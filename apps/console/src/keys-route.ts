import type { LedgerDatabase } from '@penstock/db/database';
import { listKeyUses } from '@penstock/db/key-uses';
import type { Handler } from 'hono';
import { keysPage } from './keys-page.ts';
import { wantsPage } from './request.ts';
import type { ConsoleEnv } from './respond.ts';

/** GET /keys: which signing key was used when last; a page for people, JSON for the rest. */
export function keysRoute(db: LedgerDatabase, now: () => Date): Handler<ConsoleEnv, '/keys'> {
  return async (context) => {
    const keys = await listKeyUses(db);
    return wantsPage(context.req.header('accept'))
      ? context.html(keysPage({ keys, now: now() }))
      : context.json({ keys });
  };
}
