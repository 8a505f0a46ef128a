import { sql } from 'kysely';
import { defineConfiguration } from '@penstock/core/configuration';
import { on } from '@penstock/db/handler';
import type { LedgerTransaction } from '@penstock/db/database';
import { benchSecret } from './stripe-requests.ts';

/** One endpoint, and one handler that writes a row for each event. */
export default defineConfiguration<LedgerTransaction>({
  endpoints: { stripe: { provider: 'stripe', secrets: [benchSecret] } },
  handlers: [
    on('stripe:charge.*', 'write-a-row', async ({ tx, event }) => {
      await sql`insert into bench_effects (event_id) values (${event.id})`.execute(tx);
    }),
  ],
});
