import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { defineConfiguration, fromEnvironment } from '@penstock/core/configuration';
import { on } from '@penstock/db/handler';

/** Its handler is at work until a row in `repaired` lets it go. */
export default defineConfiguration({
  endpoints: { stripe: { provider: 'stripe', secrets: [fromEnvironment('STRIPE_WEBHOOK_SECRET')] } },
  handlers: [
    on('*', 'wait-until-repaired', async ({ tx, event }) => {
      await sql`insert into effects (event_id) values (${event.id})`.execute(tx);
      process.stdout.write(`in hand: ${event.id}\n`);
      while ((await sql`select 1 from repaired`.execute(tx)).rows.length === 0) await sleep(20);
    }),
  ],
});
