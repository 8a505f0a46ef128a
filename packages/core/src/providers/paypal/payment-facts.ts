import type { FactOf, PaymentFact, PaymentStatus } from '../../payment-event.ts';
import { shortText } from '../event-body.ts';
import { documented, moneyFields, occurredAtMsOf, type EventTime } from './facts.ts';
import { payPalReferences } from './references.ts';
import type { PayPalOrder, PayPalTransaction } from './resources.ts';

/**
 * A capture takes money under its own id. It does not say what the payment is
 * for in total: an authorization, or an order of several units, takes several.
 */
export function captureFact(capture: PayPalTransaction, status: PaymentStatus, event: EventTime): FactOf<'payment'> {
  const { amount, currency } = moneyFields(capture.amount);
  return {
    kind: 'payment',
    occurredAtMs: occurredAtMsOf(capture, event),
    references: payPalReferences(`capture:${capture.id}`, capture),
    status,
    currency,
    captured: status === 'captured' && amount !== undefined ? { key: capture.id, amount } : undefined,
    failureCode: failureCodeOf(capture, status),
  };
}

/** A sale of the v1 API is a whole payment: authorized and captured at once. */
export function saleFact(sale: PayPalTransaction, status: PaymentStatus, event: EventTime): FactOf<'payment'> {
  const { amount, currency } = moneyFields(sale.amount);
  return {
    kind: 'payment',
    occurredAtMs: occurredAtMsOf(sale, event),
    references: payPalReferences(`sale:${sale.id}`, sale),
    status,
    amount,
    currency,
    captured: status === 'captured' && amount !== undefined ? { key: sale.id, amount } : undefined,
    failureCode: failureCodeOf(sale, status),
  };
}

/** What was authorized is what can be captured in total. */
export function authorizationFact(
  authorization: PayPalTransaction,
  status: PaymentStatus,
  event: EventTime,
): FactOf<'payment'> {
  return {
    kind: 'payment',
    occurredAtMs: occurredAtMsOf(authorization, event),
    references: payPalReferences(`authorization:${authorization.id}`, authorization),
    status,
    ...moneyFields(authorization.amount),
    failureCode: failureCodeOf(authorization, status),
  };
}

/** Where an authorization stands by itself; without a status it was just made. */
export function authorizationStatus(authorization: PayPalTransaction): PaymentStatus {
  return documented(authorizationStatuses, {
    value: authorization.status ?? 'CREATED',
    path: 'the status of the authorization',
  });
}

/** An order with the captures and authorizations it lists: each is a payment fact of its own. */
export function orderFacts(
  order: PayPalOrder,
  status: PaymentStatus | undefined,
  event: EventTime,
): readonly PaymentFact[] {
  const orderId = order.id ?? order.order_id ?? '';
  const fact: FactOf<'payment'> = {
    kind: 'payment',
    occurredAtMs: occurredAtMsOf(order, event),
    references: [`order:${orderId}`],
    status,
    ...totalOf(order),
  };
  const inOrder = (transaction: PayPalTransaction): PayPalTransaction => ({
    ...transaction,
    supplementary_data: { related_ids: { ...transaction.supplementary_data?.related_ids, order_id: orderId } },
  });
  const payments = (order.purchase_units ?? []).map((unit) => unit.payments);
  const authorizations = payments.flatMap((listed) => listed?.authorizations ?? []).map(inOrder);
  const captures = payments.flatMap((listed) => listed?.captures ?? []).map(inOrder);
  return [
    fact,
    ...authorizations.map((authorization) =>
      authorizationFact(authorization, authorizationStatus(authorization), event),
    ),
    ...captures.map((capture) => captureFact(capture, listedCaptureStatus(capture), event)),
  ];
}

/** The units of an order added up, where they are of one currency. */
function totalOf(order: PayPalOrder): { readonly amount?: number; readonly currency?: string } {
  const units = (order.purchase_units ?? []).flatMap((unit) =>
    unit.amount === undefined ? [] : [moneyFields(unit.amount)],
  );
  const [first] = units;
  if (first?.currency === undefined || units.some((unit) => unit.currency !== first.currency)) return {};
  return { amount: units.reduce((total, unit) => total + (unit.amount ?? 0), 0), currency: first.currency };
}

/** Where a capture stands by itself; without a status it is complete. */
export function listedCaptureStatus(capture: PayPalTransaction): PaymentStatus {
  return documented(captureStatuses, { value: capture.status ?? 'COMPLETED', path: 'the status of a capture' });
}

/** Where a sale stands by itself: v1 calls it its state. */
export function saleStatus(sale: PayPalTransaction): PaymentStatus {
  return documented(saleStatuses, { value: sale.state ?? sale.status ?? '', path: 'the state of the sale' });
}

function failureCodeOf(transaction: PayPalTransaction, status: PaymentStatus): string | undefined {
  return status === 'failed' ? shortText(transaction.status_details?.reason ?? transaction.reason_code) : undefined;
}

const authorizationStatuses: ReadonlyMap<string, PaymentStatus> = new Map([
  ['CREATED', 'authorized'],
  ['PENDING', 'pending'],
  ['DENIED', 'failed'],
  ['VOIDED', 'canceled'],
  ['PARTIALLY_CAPTURED', 'partially_captured'],
  ['CAPTURED', 'captured'],
]);

/** A refunded capture was captured: refunds are facts of their own. */
const captureStatuses: ReadonlyMap<string, PaymentStatus> = new Map([
  ['COMPLETED', 'captured'],
  ['PARTIALLY_REFUNDED', 'captured'],
  ['REFUNDED', 'captured'],
  ['PENDING', 'pending'],
  ['DECLINED', 'failed'],
  ['FAILED', 'failed'],
]);

const saleStatuses: ReadonlyMap<string, PaymentStatus> = new Map([
  ['COMPLETED', 'captured'],
  ['PARTIALLY_REFUNDED', 'captured'],
  ['REFUNDED', 'captured'],
  ['PENDING', 'pending'],
  ['DENIED', 'failed'],
]);
