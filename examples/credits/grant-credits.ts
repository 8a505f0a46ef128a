import { sql } from 'kysely';
import { on } from '@penstock/core/handler';
import type { LedgerTransaction } from '@penstock/db/database';

/**
 * Grants a customer's credits when their payment is captured, one for each
 * minor unit. The insert commits together with the event's "processed" mark or
 * not at all, so nobody is granted twice and nobody is forgotten.
 */
export const grantCredits = on<LedgerTransaction>(
  'payment.captured',
  'grant-credits',
  async ({ event, tx, outbox }) => {
    for (const fact of event.facts) {
      if (fact.kind !== 'payment' || fact.captured === undefined) continue;
      await sql`insert into credits (event_id, amount) values (${event.id}, ${fact.captured.amount})`.execute(tx);
      await outbox({ topic: 'credits.granted', key: event.id, payload: { amount: fact.captured.amount } });
    }
  },
);
