import { compareText, distinctInOrder, isOfKind, latest, type KeyedFact } from './fact-order.ts';
import { foldAmounts } from './fold-amounts.ts';
import { foldDisputes, summarizeDisputes, type DisputeState, type PaymentDisputeState } from './fold-dispute.ts';
import { foldRefunds, type RefundState } from './fold-refund.ts';
import type { FactOf, PaymentReference, PaymentStatus } from './payment-event.ts';

export { compareKeyedFacts, rankOf, type KeyedFact } from './fact-order.ts';
export type { DisputeState, PaymentDisputeState } from './fold-dispute.ts';
export { summarizeDisputes } from './fold-dispute.ts';
export { foldPayout, type PayoutState } from './fold-payout.ts';
export type { RefundState } from './fold-refund.ts';

/** One payment as all facts of its family together say. Amounts are minor units and never negative. */
export interface PaymentState {
  /**
   * The name it goes by, without prefix: the payment intent, else the charge
   * (Stripe); the capture, else the sale, else the authorization, else the
   * order (PayPal); the smallest where there are several. It can change as
   * facts arrive, an order's id giving way to its capture's: identity across
   * time is the set of references, not this.
   */
  readonly id: string;
  /** Every name any fact of the family uses, sorted. */
  readonly references: readonly PaymentReference[];
  readonly status: PaymentStatus;
  /** What it is for in total: as last named, else what was captured; null while nothing says. */
  readonly amount: number | null;
  readonly currency: string | null;
  readonly amountCaptured: number;
  readonly amountRefunded: number;
  readonly refundState: 'none' | 'partial' | 'full';
  readonly disputeState: PaymentDisputeState;
  /** Why the last attempt failed; null unless the payment stands at `failed`. */
  readonly failureCode: string | null;
  /** How many distinct facts the family was folded from: a greater version knows more. */
  readonly version: number;
  readonly lastOccurredAtMs: number;
  /** What does not add up and should be checked with the provider; several reasons are joined with `, `. */
  readonly conflict: string | null;
  /** True where only refunds or disputes of it are known: a placeholder, to be fetched. */
  readonly needsFetch: boolean;
}

/** A payment with what hangs on it, refunds and disputes sorted by id. */
export interface PaymentFamily {
  readonly payment: PaymentState;
  readonly refunds: readonly RefundState[];
  readonly disputes: readonly DisputeState[];
}

/**
 * Folds the facts of one payment, its refunds and disputes to their states: a
 * deterministic function of the set of facts, whatever order and however often
 * they arrived. Payout facts belong to no payment and are left out. Throws
 * Error when nothing is left: there is no payment to name then.
 */
export function foldPayment(facts: readonly KeyedFact[]): PaymentFamily {
  const ordered = distinctInOrder(facts).filter((keyed) => keyed.fact.kind !== 'payout');
  const payments = ordered.filter(isOfKind('payment'));
  const refunds = foldRefunds(ordered);
  const disputes = foldDisputes(ordered);
  const references = referencesOf(ordered);
  // A refund or dispute that names no payment stands in for the one it belongs to.
  const id = canonicalId(references) ?? refunds[0]?.state.id ?? disputes[0]?.id;
  if (id === undefined) throw new Error('foldPayment was given no fact about a payment.');
  const { currency, currencyConflict } = foldCurrency(ordered);
  const amounts = foldAmounts({ payments, refunds });
  const walk = walkStatuses(payments);
  const status = measuredStatus(walk.status, amounts);
  const conflicts = [...walk.conflicts, currencyConflict, amounts.conflict].filter((reason) => reason !== null);
  const payment: PaymentState = {
    id,
    references,
    status,
    amount: amounts.named ?? amounts.captured,
    currency,
    amountCaptured: amounts.captured ?? 0,
    amountRefunded: amounts.refunded,
    refundState: amounts.refundState,
    disputeState: summarizeDisputes(disputes),
    failureCode: status === 'failed' ? latest(payments, (keyed) => keyed.fact.failureCode) : null,
    version: ordered.length,
    lastOccurredAtMs: ordered.at(-1)?.fact.occurredAtMs ?? 0,
    conflict: conflicts.length === 0 ? null : conflicts.join(', '),
    needsFetch: payments.length === 0,
  };
  return { payment, refunds: refunds.map((refund) => refund.state), disputes };
}

/**
 * The last status stands, with two exceptions. Captured money is not undone by
 * a status: a later one that is not a capture is kept out and reported. A
 * payment that comes back to life after it was canceled or expired does so,
 * and is reported. A failure is not an end: another attempt can capture.
 *
 * A status that was fetched stands whatever came before it, and settles what
 * was to be reported: the provider was asked, and has answered.
 */
function walkStatuses(payments: readonly KeyedFact<FactOf<'payment'>>[]): {
  readonly status: PaymentStatus;
  readonly conflicts: readonly string[];
} {
  let status: PaymentStatus = 'created';
  const conflicts = new Set<string>();
  for (const { fact } of payments) {
    if (fact.status === undefined) continue;
    if (fact.snapshot === true) {
      status = fact.status;
      conflicts.clear();
      continue;
    }
    if (isCapture(status) && !isCapture(fact.status)) {
      conflicts.add(`status_after_capture: ${fact.status}`);
      continue;
    }
    if ((status === 'canceled' || status === 'expired') && (isCapture(fact.status) || fact.status === 'authorized'))
      conflicts.add('status_after_canceled');
    status = fact.status;
  }
  return { status, conflicts: [...conflicts] };
}

/** Whether a capture is whole is a matter of amounts where both are known, not of what one event called it. */
function measuredStatus(
  status: PaymentStatus,
  amounts: { readonly named: number | null; readonly captured: number | null },
): PaymentStatus {
  if (!isCapture(status) || amounts.named === null || amounts.captured === null) return status;
  return amounts.captured < amounts.named ? 'partially_captured' : 'captured';
}

function isCapture(status: PaymentStatus): boolean {
  return status === 'captured' || status === 'partially_captured';
}

function foldCurrency(ordered: readonly KeyedFact[]): {
  readonly currency: string | null;
  readonly currencyConflict: string | null;
} {
  // A currency that was fetched settles what was said before.
  const fetched = ordered.findLastIndex(
    ({ fact }) => fact.kind === 'payment' && fact.snapshot === true && fact.currency !== undefined,
  );
  const counting = ordered.slice(Math.max(fetched, 0));
  const named = [...counting.filter(isOfKind('payment')), ...counting].flatMap(({ fact }) => fact.currency ?? []);
  const [currency = null] = named;
  return { currency, currencyConflict: named.some((other) => other !== currency) ? 'currency_mismatch' : null };
}

function referencesOf(ordered: readonly KeyedFact[]): readonly PaymentReference[] {
  return [...new Set(ordered.flatMap(({ fact }) => (fact.kind === 'payout' ? [] : fact.references)))].sort(compareText);
}

/** The first of the most telling kind; the references are sorted. */
function canonicalId(references: readonly PaymentReference[]): string | undefined {
  return referenceKinds
    .map((kind) => references.find((reference) => reference.startsWith(`${kind}:`))?.slice(kind.length + 1))
    .find((id) => id !== undefined);
}

const referenceKinds = ['payment', 'payment_intent', 'charge', 'capture', 'sale', 'authorization', 'order'] as const;
