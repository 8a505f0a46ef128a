import type { DisputeFunds, DisputeStatus, PaymentStatus, PayoutStatus, RefundStatus } from '../../payment-event.ts';

/**
 * What each event code of a standard notification states, and how late in the
 * life of its object it comes.
 *
 * The stage is the order of these facts. An item's `eventDate` is not signed:
 * whoever can alter a request on its way, or holds a copy of one that has not
 * arrived yet, can date it as they like, and with times for an order could
 * have a refund succeed after it failed. What is signed is the code, and the
 * codes of one object follow one another in one way only. So the stage orders
 * them, all stages of one object's statuses differ or state the same, and
 * times decide nothing. The price: a second round through the same codes (two
 * defences of one dispute) reads as the latest stage it ever reached.
 *
 * Source: Adyen/adyen-openapi json/Webhooks-v1.json, descriptions and
 * examples; docs.adyen.com/risk-management/disputes-api/dispute-notifications.
 */
export type Statement =
  | {
      readonly kind: 'payment';
      readonly stage: number;
      readonly status: PaymentStatus | undefined;
      /** What the item's amount is: of the payment, of one capture of it, or of both. */
      readonly amountOf: 'payment' | 'capture' | 'payment and capture' | 'nothing';
      /** Whose `pspReference` it is: the payment's own, or that of a modification of it. */
      readonly subject: 'payment' | 'modification';
    }
  | { readonly kind: 'refund'; readonly stage: number; readonly status: RefundStatus }
  | {
      readonly kind: 'dispute';
      readonly stage: number;
      readonly status: DisputeStatus | undefined;
      readonly funds: DisputeFunds | undefined;
    }
  | { readonly kind: 'payout'; readonly stage: number; readonly status: PayoutStatus };

/** Null for a code that states nothing about payments, and for one that is not known. */
export function statementOf(
  eventCode: string,
  given: { readonly success: boolean; readonly capturesAutomatically: boolean },
): Statement | null {
  const code = codes.get(eventCode);
  if (code === undefined) return null;
  if (eventCode === 'AUTHORISATION' && given.success && given.capturesAutomatically) return automaticCapture;
  return given.success ? code.succeeded : code.failed;
}

/** An authorisation where the merchant account captures by itself; CAPTURE_FAILED still comes after it. */
const automaticCapture: Statement = {
  kind: 'payment',
  stage: 6,
  status: 'captured',
  amountOf: 'payment and capture',
  subject: 'payment',
};

/** What a code states where it succeeded, and where it did not. */
interface Code {
  readonly succeeded: Statement | null;
  readonly failed: Statement | null;
}

const payment = (stage: number, status: PaymentStatus): Statement => ({
  kind: 'payment',
  stage,
  status,
  amountOf: 'payment',
  subject: 'payment',
});

const modification = (
  stage: number,
  status: PaymentStatus | undefined,
  amountOf: 'capture' | 'nothing' = 'nothing',
): Statement => ({ kind: 'payment', stage, status, amountOf, subject: 'modification' });

const refund = (stage: number, status: RefundStatus): Statement => ({ kind: 'refund', stage, status });

const dispute = (stage: number, status: DisputeStatus | undefined, funds?: DisputeFunds): Statement => ({
  kind: 'dispute',
  stage,
  status,
  funds,
});

const payout = (stage: number, status: PayoutStatus): Statement => ({ kind: 'payout', stage, status });

/** An attempt that did not succeed leaves things as they were. */
const onlyIfSuccessful = (succeeded: Statement): Code => ({ succeeded, failed: null });

/** A code that tells of an outcome by its name: Adyen sends these with `success` true. */
const byName = (statement: Statement): Code => ({ succeeded: statement, failed: statement });

const codes: ReadonlyMap<string, Code> = new Map([
  ['PENDING', onlyIfSuccessful(payment(1, 'pending'))],
  ['OFFER_CLOSED', onlyIfSuccessful(payment(2, 'expired'))],
  // A refusal that turns out to be an authorisation after all keeps the same reference.
  ['AUTHORISATION', { failed: payment(3, 'failed'), succeeded: payment(4, 'authorized') }],
  // Several adjustments cannot be put in order by anything signed: that there was one is all they state.
  ['AUTHORISATION_ADJUSTMENT', onlyIfSuccessful(modification(5, undefined))],
  // Which of the two it was is in additionalData, which is not signed.
  ['CANCEL_OR_REFUND', onlyIfSuccessful(modification(5, undefined))],
  ['CAPTURE', onlyIfSuccessful(modification(6, 'captured', 'capture'))],
  ['EXPIRE', onlyIfSuccessful(modification(7, 'expired'))],
  ['CANCELLATION', onlyIfSuccessful(modification(8, 'canceled'))],
  ['TECHNICAL_CANCEL', onlyIfSuccessful(modification(8, 'canceled'))],
  // Contradicts the capture it follows, and is shown as that conflict.
  ['CAPTURE_FAILED', byName(modification(9, 'authorized'))],

  ['POSTPONED_REFUND', onlyIfSuccessful(refund(1, 'pending'))],
  // No later code says that the money arrived: accepted stands until REFUND_FAILED.
  ['REFUND', { failed: refund(2, 'failed'), succeeded: refund(3, 'succeeded') }],
  ['REFUND_WITH_DATA', { failed: refund(2, 'failed'), succeeded: refund(3, 'succeeded') }],
  ['REFUND_FAILED', byName(refund(4, 'failed'))],
  ['REFUNDED_REVERSED', byName(refund(5, 'reversed'))],

  ['REQUEST_FOR_INFORMATION', byName(dispute(1, 'inquiry'))],
  ['NOTIFICATION_OF_CHARGEBACK', byName(dispute(2, 'needs_response'))],
  ['CHARGEBACK', byName(dispute(3, 'needs_response', 'withdrawn'))],
  ['INFORMATION_SUPPLIED', byName(dispute(4, 'under_review'))],
  ['DISPUTE_DEFENSE_PERIOD_ENDED', byName(dispute(5, 'expired'))],
  ['ISSUER_RESPONSE_TIMEFRAME_EXPIRED', byName(dispute(6, 'won'))],
  // "This stage is not final": a second chargeback can follow.
  ['CHARGEBACK_REVERSED', byName(dispute(7, 'won', 'reinstated'))],
  ['SECOND_CHARGEBACK', byName(dispute(8, 'lost', 'withdrawn'))],
  ['PREARBITRATION_OPEN', byName(dispute(9, 'needs_response'))],
  // Not documented whose acceptance or refusal these are.
  ['PREARBITRATION_ACCEPTED', byName(dispute(10, undefined))],
  ['PREARBITRATION_DECLINED', byName(dispute(10, undefined))],
  ['PREARBITRATION_ISSUER_WITHDRAWN', byName(dispute(11, 'won'))],
  ['PREARBITRATION_WON', byName(dispute(12, 'won', 'reinstated'))],
  ['PREARBITRATION_LOST', byName(dispute(13, 'lost', 'withdrawn'))],

  ['PAYOUT_THIRDPARTY', { failed: payout(1, 'failed'), succeeded: payout(2, 'paid') }],
  ['PAYOUT_EXPIRE', onlyIfSuccessful(payout(3, 'failed'))],
  ['PAYOUT_DECLINE', onlyIfSuccessful(payout(4, 'canceled'))],
  ['PAIDOUT_REVERSED', byName(payout(5, 'returned'))],
]);
