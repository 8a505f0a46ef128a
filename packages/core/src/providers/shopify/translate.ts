import * as z from 'zod';
import { minorUnits } from '../../money.ts';
import type { FactOf, PaymentFact, PaymentStatus, RefundStatus } from '../../payment-event.ts';
import { checkFacts, malformedEvent, readBody, readPart, shortText } from '../event-body.ts';
import { shopifyResource } from './resource.ts';

/**
 * What a snapshot of an order or a refund says; an empty list for every other
 * body. Which it is, is read from the body, whatever topic it came under:
 * orders/paid, orders/updated and the rest all carry the order, and where its
 * payment stands is in `financial_status`. Source: shopify.dev/docs/api/admin-rest,
 * resources Order, Refund and Transaction.
 */
export function translateShopify(body: Buffer): readonly PaymentFact[] {
  const value = readBody(body, z.looseObject({ admin_graphql_api_id: z.unknown().optional() }));
  const resource = shopifyResource(value.admin_graphql_api_id);
  switch (resource?.kind) {
    case 'Order':
      return checkFacts([orderFact(resource.id, readPart({ schema: order, value, path: 'order' }))]);
    case 'Refund':
      return checkFacts(refundFacts(resource.id, readPart({ schema: refund, value, path: 'refund' })));
    default:
      return [];
  }
}

const time = z.iso.datetime({ offset: true });
const currency = z.string().regex(/^[A-Z]{3}$/);
/** Amounts are decimal strings in major units; which are amounts is for minorUnits to say. */
const decimal = z.string();

const order = z.object({
  created_at: time,
  updated_at: time.nullish(),
  currency,
  total_price: decimal,
  total_outstanding: decimal.nullish(),
  financial_status: z
    .enum(['pending', 'authorized', 'partially_paid', 'paid', 'partially_refunded', 'refunded', 'voided', 'expired'])
    .nullish(),
});
type Order = z.infer<typeof order>;

/** Refunds are facts of their own: a refunded order was captured before. */
const orderStatuses = {
  pending: 'pending',
  authorized: 'authorized',
  partially_paid: 'partially_captured',
  paid: 'captured',
  partially_refunded: 'captured',
  refunded: 'captured',
  voided: 'canceled',
  expired: 'expired',
} as const satisfies Record<NonNullable<Order['financial_status']>, PaymentStatus>;

function orderFact(id: string, value: Order): FactOf<'payment'> {
  const status =
    value.financial_status === null || value.financial_status === undefined
      ? undefined
      : orderStatuses[value.financial_status];
  const amount = minorUnits(value.total_price, value.currency);
  const captured = capturedAmount({ status, amount, value });
  return {
    kind: 'payment',
    occurredAtMs: Date.parse(value.updated_at ?? value.created_at),
    references: [`payment:${id}`],
    status,
    amount,
    currency: value.currency,
    captured: captured === undefined ? undefined : { key: id, amount: captured },
  };
}

/** An order does not state what was paid; it follows from what is still outstanding. */
function capturedAmount(given: {
  readonly status: PaymentStatus | undefined;
  readonly amount: number;
  readonly value: Order;
}): number | undefined {
  const { status, amount, value } = given;
  if (status === 'captured') return amount;
  if (status !== 'partially_captured' || value.total_outstanding === null || value.total_outstanding === undefined)
    return undefined;
  return Math.max(0, amount - minorUnits(value.total_outstanding, value.currency));
}

const refund = z.object({
  /** A number in the payload; one that a number cannot hold would name another order. */
  order_id: z.int().positive(),
  created_at: time,
  processed_at: time.nullish(),
  note: z.string().nullish(),
  transactions: z
    .array(
      z.object({
        kind: z.string(),
        status: z.enum(['success', 'pending', 'awaiting_response', 'failure', 'error', 'unknown']),
        amount: decimal,
        currency,
      }),
    )
    .nullish(),
});

/**
 * One fact for the refund as a whole, or none where goods were taken back and
 * no money moved. It succeeded when all of its transactions that did not fail
 * have; the amount is that of those.
 */
function refundFacts(id: string, value: z.infer<typeof refund>): readonly FactOf<'refund'>[] {
  const transactions = (value.transactions ?? []).filter(({ kind }) => kind === 'refund');
  const [first] = transactions;
  if (first === undefined) return [];
  if (transactions.some((transaction) => transaction.currency !== first.currency))
    throw malformedEvent('one refund has transactions in several currencies');
  const statuses = new Set<RefundStatus>(transactions.map((each) => refundStatuses[each.status]));
  const status = (['pending', 'succeeded'] as const).find((each) => statuses.has(each)) ?? 'failed';
  const counted = transactions.filter((each) => status === 'failed' || refundStatuses[each.status] !== 'failed');
  return [
    {
      kind: 'refund',
      occurredAtMs: Date.parse(value.processed_at ?? value.created_at),
      id,
      references: [`payment:${value.order_id}`],
      status,
      amount: counted.reduce((sum, each) => sum + minorUnits(each.amount, each.currency), 0),
      currency: first.currency,
      reason: shortText(value.note),
    },
  ];
}

const refundStatuses = {
  success: 'succeeded',
  pending: 'pending',
  awaiting_response: 'pending',
  unknown: 'pending',
  failure: 'failed',
  error: 'failed',
} as const satisfies Record<string, RefundStatus>;
