import type { LedgerDatabase } from '@penstock/db/database';
import { deliveriesOfEvents } from '@penstock/db/deliveries';
import { disputesOfPayment } from '@penstock/db/disputes';
import { findPayments } from '@penstock/db/payments';
import { refundsOfPayment } from '@penstock/db/refunds';
import { timelineOfPayment } from '@penstock/db/timeline';
import { wholePaymentView } from './api/views.ts';

/** A payment as the console tells it. Amounts are whole minor units of the currency beside them. */
export type PaymentView = ReturnType<typeof wholePaymentView>;

export type PaymentFinding =
  | { readonly kind: 'found'; readonly payment: PaymentView }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'ambiguous'; readonly matches: readonly { readonly account: string; readonly id: string }[] };

/** Finds a payment by any id it goes by and reads all of it in one snapshot: events keep arriving while we look. */
export async function findPayment(
  db: LedgerDatabase,
  wanted: { readonly id: string; readonly account: string | undefined },
): Promise<PaymentFinding> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (tx) => {
      const [payment, ...others] = await findPayments(tx, wanted.id, { account: wanted.account });
      if (payment === undefined) return { kind: 'unknown' };
      if (others.length > 0)
        return { kind: 'ambiguous', matches: [payment, ...others].map(({ account, id }) => ({ account, id })) };
      const refunds = await refundsOfPayment(tx, payment.key);
      const disputes = await disputesOfPayment(tx, payment.key);
      const timeline = await timelineOfPayment(tx, payment.key);
      const sent = await deliveriesOfEvents(tx, [...new Set(timeline.map(({ event_id: id }) => id))]);
      return { kind: 'found', payment: wholePaymentView(payment, { refunds, disputes, timeline, sent }) };
    });
}
