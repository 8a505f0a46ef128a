import { sql } from 'kysely';
import { defineConfiguration, fromEnvironment } from '@penstock/core/configuration';
import { on } from '@penstock/db/handler';
import type { LedgerTransaction } from '@penstock/db/database';

/** A canary's endpoint, beside a handler and a destination that want every event. */
export default defineConfiguration<LedgerTransaction>({
  endpoints: { canary: { provider: 'standard-webhooks', secrets: [fromEnvironment('CANARY_SECRET')] } },
  handlers: [
    on('*', 'count', async ({ tx, event }) => {
      await sql`insert into effects (event_id) values (${event.id})`.execute(tx);
    }),
  ],
  destinations: {
    all: { url: 'http://127.0.0.1:9/', secrets: [fromEnvironment('CANARY_SECRET')], allowPrivate: true, events: ['*'] },
  },
});
