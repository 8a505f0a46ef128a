import { sql } from 'kysely';
import { defineConfiguration, fromEnvironment } from '@penstock/core/configuration';
import { PermanentError } from '@penstock/core/failure';
import { on } from '@penstock/db/handler';
import type { LedgerTransaction } from '@penstock/db/database';

/** An installation that uses everything the ledger has a table for; effects are inserted without a unique key. */
export default defineConfiguration<LedgerTransaction>({
  endpoints: {
    stripe: {
      provider: 'stripe',
      account: 'acme',
      secrets: [fromEnvironment('STRIPE_WEBHOOK_SECRET')],
      apiKey: 'rk_test_of_the_stand_in',
      apiOrigin: fromEnvironment('PROVIDER_URL'),
    },
    paypal: {
      provider: 'paypal',
      webhookId: fromEnvironment('PAYPAL_WEBHOOK_ID'),
      environment: { simulator: fromEnvironment('PROVIDER_URL') },
      clientId: 'client-of-the-test',
      clientSecret: 'secret-of-the-test',
    },
  },
  handlers: [
    on('*', 'count', async ({ tx, event }) => {
      await sql`insert into effects (event_id) values (${event.id})`.execute(tx);
    }),
    on('stripe:customer.created', 'tell', async ({ event, outbox }) => {
      await outbox({ topic: 'customers.told', key: event.id, payload: { told: event.id } });
    }),
    on('stripe:customer.updated', 'fail-until-repaired', async ({ tx }) => {
      const { rows } = await sql`select 1 from repaired`.execute(tx);
      if (rows.length === 0) throw new PermanentError('test_broken', 'not repaired yet');
    }),
  ],
  destinations: {
    told: {
      url: fromEnvironment('RECEIVER_URL'),
      secrets: [fromEnvironment('RECEIVER_SECRET')],
      allowPrivate: true,
      topics: ['customers.told'],
      retryMs: 50,
    },
  },
});
