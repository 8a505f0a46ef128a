import { sql } from 'kysely';
import { defineConfiguration, fromEnvironment } from '@penstock/core/configuration';
import { PermanentError } from '@penstock/core/failure';
import { on } from '@penstock/db/handler';
import type { LedgerTransaction } from '@penstock/db/database';

/**
 * The configuration that tests run the processes with. Its handlers insert
 * without a unique key, so that an effect applied twice is seen as two rows.
 */
export default defineConfiguration({
  endpoints: {
    stripe: { provider: 'stripe', account: 'acme', secrets: [fromEnvironment('STRIPE_WEBHOOK_SECRET')] },
    'stripe-too': { provider: 'stripe', account: 'acme', secrets: [fromEnvironment('STRIPE_WEBHOOK_SECRET')] },
    paypal: {
      provider: 'paypal',
      webhookId: fromEnvironment('PAYPAL_WEBHOOK_ID'),
      environment: { simulator: fromEnvironment('PAYPAL_SIMULATOR_URL') },
      mode: 'offline',
      clientId: 'simulated',
      clientSecret: 'simulated',
    },
  },
  handlers: [
    on('stripe:customer.created', 'count-customers', ({ tx, event }) => countEffect(tx, event.id)),
    on('payment.captured', 'count-captures', ({ tx, event }) => countEffect(tx, event.id)),
    on('stripe:customer.updated', 'fail-for-ever', async ({ tx, event }) => {
      await countEffect(tx, event.id);
      throw new PermanentError('test_poison', 'this event can never be handled');
    }),
    on('stripe:customer.deleted', 'fail-until-repaired', async ({ tx, event }) => {
      await countEffect(tx, event.id);
      const { rows } = await sql`select 1 from repaired`.execute(tx);
      if (rows.length === 0) throw new Error('not repaired yet');
    }),
    on('stripe:customer.source.created', 'never-end', async ({ tx, event }) => {
      await countEffect(tx, event.id);
      await new Promise(() => undefined);
    }),
  ],
});

async function countEffect(tx: LedgerTransaction, eventId: string): Promise<void> {
  await sql`insert into effects (event_id) values (${eventId})`.execute(tx);
}
