import { sql } from 'kysely';
import { on } from '@penstock/core/handler';
import type { LedgerTransaction } from '@penstock/db/database';

/**
 * Keeps what each payment has earned. Stripe tells one capture by more than
 * one event, so the row says what holds rather than adding up; and it commits
 * together with the event's "processed" mark or not at all.
 */
export const grantCredits = on<LedgerTransaction>('payment.captured', 'grant-credits', async ({ event, tx }) => {
  for (const fact of event.facts) {
    if (fact.kind !== 'payment' || fact.captured === undefined) continue;
    await sql`
      insert into credits (account, payment, capture, amount)
      values (${event.account}, ${fact.references[0]}, ${fact.captured.key}, ${fact.captured.amount})
      on conflict (account, payment, capture)
      do update set amount = greatest(credits.amount, excluded.amount)`.execute(tx);
  }
});
