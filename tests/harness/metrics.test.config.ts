import { sql } from 'kysely';
import { defineConfiguration, fromEnvironment } from '@penstock/core/configuration';
import { on } from '@penstock/db/handler';

/** A handler that fails until a row is in `repaired`, for events that move money. */
export default defineConfiguration({
  endpoints: {
    stripe: { provider: 'stripe', account: 'acme', secrets: [fromEnvironment('STRIPE_WEBHOOK_SECRET')] },
  },
  handlers: [
    on('payment.captured', 'fail-until-repaired', async ({ tx }) => {
      const { rows } = await sql`select 1 from repaired`.execute(tx);
      if (rows.length === 0) throw new Error('not repaired yet');
    }),
  ],
});
