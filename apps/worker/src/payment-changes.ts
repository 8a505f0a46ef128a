import { foldPayment, type PaymentFamily } from '@penstock/core/payment';
import { formatMoney } from '@penstock/core/money';
import type { HistoricEvent } from '@penstock/db/payment-history';

/** An event of a payment's history with what it changed, in the order in which it became known. */
export interface PaymentChange {
  readonly event: HistoricEvent;
  /** `status: authorized → captured`; empty where it told nothing new. */
  readonly changes: readonly string[];
  readonly after: PaymentFamily;
}

/**
 * Tells a payment's history over again: what was known after each event, and
 * what that event changed. With `at`, only what had been applied by then.
 */
export function changesOf(
  history: readonly HistoricEvent[],
  options: { readonly at?: Date | undefined } = {},
): readonly PaymentChange[] {
  const { at } = options;
  const known = at === undefined ? history : history.filter(({ appliedAt }) => appliedAt <= at);
  const changes: PaymentChange[] = [];
  for (const [position, event] of known.entries()) {
    const after = foldPayment(known.slice(0, position + 1).flatMap(({ facts }) => facts));
    const before = changes.at(-1)?.after;
    changes.push({ event, changes: differences(before === undefined ? {} : lines(before), lines(after)), after });
  }
  return changes;
}

/** What a payment says, line by line. */
export function lines({ payment, refunds, disputes }: PaymentFamily): Readonly<Record<string, string>> {
  const money = (amount: number | null): string =>
    amount === null ? '–' : payment.currency === null ? String(amount) : formatMoney(amount, payment.currency);
  return {
    status: payment.status,
    amount: money(payment.amount),
    captured: money(payment.amountCaptured),
    refunded: money(payment.amountRefunded),
    dispute: payment.disputeState,
    ...(payment.failureCode === null ? {} : { failure: payment.failureCode }),
    ...(payment.conflict === null ? {} : { conflict: payment.conflict }),
    ...Object.fromEntries(refunds.map(({ id, status, amount }) => [`refund ${id}`, `${status} ${money(amount)}`])),
    ...Object.fromEntries(disputes.map(({ id, status, amount }) => [`dispute ${id}`, `${status} ${money(amount)}`])),
  };
}

function differences(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): readonly string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name) => {
    const [was, is] = [before[name], after[name]];
    if (was === is) return [];
    return [was === undefined ? `${name}: ${is}` : `${name}: ${was} → ${is ?? 'gone'}`];
  });
}
