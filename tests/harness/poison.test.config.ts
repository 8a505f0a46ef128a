import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { defineConfiguration, fromEnvironment } from '@penstock/core/configuration';
import { on } from '@penstock/db/handler';

/** Handlers that end their worker, or are still at it when somebody else does. */
export default defineConfiguration({
  endpoints: { stripe: { provider: 'stripe', secrets: [fromEnvironment('STRIPE_WEBHOOK_SECRET')] } },
  handlers: [
    on('stripe:customer.created', 'count-customers', async ({ tx, event }) => {
      await sql`insert into effects (event_id) values (${event.id})`.execute(tx);
    }),
    on('stripe:customer.deleted', 'end-the-process', async () => {
      process.exit(7);
    }),
    on('stripe:customer.updated', 'take-long', async ({ tx, event, signal }) => {
      while (!signal.aborted && (await sql`select 1 from repaired`.execute(tx)).rows.length === 0) await delay(50);
      await sql`insert into effects (event_id) values (${event.id})`.execute(tx);
    }),
  ],
});
