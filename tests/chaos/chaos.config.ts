import { sql } from 'kysely';
import { defineConfiguration, fromEnvironment } from '@penstock/core/configuration';
import { PermanentError, TransientError } from '@penstock/core/failure';
import { on } from '@penstock/db/handler';
import type { LedgerTransaction } from '@penstock/db/database';

/**
 * What the processes run under the faults. Every handler counts by an insert
 * without a unique key, so that an effect applied twice is two rows; the tables
 * that tell a handler to fail belong to the harness.
 */
export default defineConfiguration({
  endpoints: {
    stripe: { provider: 'stripe', account: 'acme', secrets: [fromEnvironment('STRIPE_WEBHOOK_SECRET')] },
    paypal: {
      provider: 'paypal',
      account: 'acme-paypal',
      webhookId: fromEnvironment('PAYPAL_WEBHOOK_ID'),
      environment: { simulator: fromEnvironment('PAYPAL_SIMULATOR_URL') },
      mode: 'offline',
      clientId: 'simulated',
      clientSecret: 'simulated',
    },
  },
  handlers: [
    on('*', 'every-event', async ({ tx, event }) => {
      await count(tx, { eventId: event.id, handler: 'every-event' });
      await failWhile(tx, 'every');
    }),
    on('payment.captured', 'captures', ({ tx, event }) => count(tx, { eventId: event.id, handler: 'captures' })),
    on('stripe:invoice.created', 'held', async ({ tx, event }) => {
      await count(tx, { eventId: event.id, handler: 'held' });
      await failWhile(tx, 'held');
    }),
    on('stripe:invoice.paid', 'slow-to-succeed', async ({ tx, event }) => {
      await count(tx, { eventId: event.id, handler: 'slow-to-succeed' });
      // By PostgreSQL's clock alone: a worker's may be the fault, and an ingest's, which says when the event was received.
      const { rows } = await sql`
        select 1 from ledger
        where account = ${event.account} and provider_event_id = ${event.id}
          and now() < stored_at + interval '1 second'`.execute(tx);
      if (rows.length > 0) throw new TransientError('chaos_told_to_fail', 'not in the first second');
    }),
    on('stripe:customer.updated', 'poisoned', async ({ tx, event }) => {
      await count(tx, { eventId: event.id, handler: 'poisoned' });
      throw new PermanentError('chaos_poison', 'this event can never be handled');
    }),
    on('stripe:customer.deleted', 'until-repaired', async ({ tx, event }) => {
      await count(tx, { eventId: event.id, handler: 'until-repaired' });
      const { rows } = await sql`select 1 from chaos_repaired where event_id = ${event.id}`.execute(tx);
      if (rows.length === 0) throw new PermanentError('chaos_unrepaired', 'somebody has to mend this first');
    }),
  ],
});

async function count(
  tx: LedgerTransaction,
  effect: { readonly eventId: string; readonly handler: string },
): Promise<void> {
  await sql`insert into chaos_effects (event_id, handler) values (${effect.eventId}, ${effect.handler})`.execute(tx);
}

async function failWhile(tx: LedgerTransaction, gate: string): Promise<void> {
  const { rows } = await sql`select 1 from chaos_gates where name = ${gate} and closed`.execute(tx);
  if (rows.length > 0) throw new TransientError('chaos_told_to_fail', 'handlers are told to fail for a while');
}
