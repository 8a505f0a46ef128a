import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { defineConfiguration } from '@penstock/core/configuration';
import { on } from '@penstock/db/handler';
import type { LedgerTransaction } from '@penstock/db/database';
import { benchSecret } from './stripe-requests.ts';

/** How long the handler waits, as for a service that it asks. */
const WAIT_MS = 20;

/** The same endpoint, and a handler that waits before it writes its row. */
export default defineConfiguration<LedgerTransaction>({
  endpoints: { stripe: { provider: 'stripe', secrets: [benchSecret] } },
  handlers: [
    on('stripe:charge.*', 'wait-and-write', async ({ tx, event }) => {
      await sleep(WAIT_MS);
      await sql`insert into bench_effects (event_id) values (${event.id})`.execute(tx);
    }),
  ],
});
