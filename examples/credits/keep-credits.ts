import { sql } from 'kysely';
import type { HandledPayment, HandlerContext } from '@penstock/core/handler';
import type { LedgerTransaction } from '@penstock/db/database';
import { on } from '@penstock/db/handler';

/** Credits are granted by a capture, and taken back by a refund or a lost dispute. */
export const creditHandlers = [
  on('payment.captured', 'grant-credits', keepCredits),
  on('payment.partially_captured', 'grant-some-credits', keepCredits),
  on('refund.*', 'take-back-refunded', keepCredits),
  on('dispute.*', 'take-back-disputed', keepCredits),
];

/**
 * Writes what the payment has earned by all that is known of it now. It says
 * what holds rather than adding up, so that it comes out the same however
 * often, and in whatever order, the payment's events are told.
 */
async function keepCredits({
  payment,
  tx,
  outbox,
  log,
}: Pick<HandlerContext<LedgerTransaction>, 'tx' | 'outbox' | 'log'> & {
  readonly payment: HandledPayment;
}): Promise<void> {
  const { id, currency } = payment.payment;
  const amount = creditsEarned(payment);
  const { numAffectedRows } = await sql`
    insert into credits (payment_key, payment, amount, currency)
    values (${payment.key}, ${id}, ${amount}, ${currency})
    on conflict (payment_key) do update
    set payment = excluded.payment, amount = excluded.amount, currency = excluded.currency, updated_at = now()
    where credits.amount <> excluded.amount`.execute(tx);
  if (numAffectedRows === 0n) return;
  log.info('credits changed', { amount, currency });
  await outbox({ topic: 'credits.changed', key: id, payload: { payment: id, amount, currency } });
}

/** In minor units: what was captured, less what was refunded and what was lost in disputes. */
function creditsEarned({ payment, disputes }: HandledPayment): number {
  const lost = disputes
    .filter(({ status }) => status === 'lost' || status === 'accepted')
    .reduce((sum, dispute) => sum + (dispute.amount ?? payment.amountCaptured), 0);
  return Math.max(0, payment.amountCaptured - payment.amountRefunded - lost);
}
