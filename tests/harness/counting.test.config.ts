import { sql } from 'kysely';
import { defineConfiguration, fromEnvironment } from '@penstock/core/configuration';
import { on } from '@penstock/db/handler';

/** An installation that production accepts, and that counts each event's effects. */
export default defineConfiguration({
  endpoints: { stripe: { provider: 'stripe', account: 'acme', secrets: [fromEnvironment('STRIPE_WEBHOOK_SECRET')] } },
  handlers: [
    on('*', 'count', async ({ tx, event }) => {
      await sql`insert into effects (event_id) values (${event.id})`.execute(tx);
    }),
  ],
});
