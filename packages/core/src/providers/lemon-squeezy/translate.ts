import * as z from 'zod';
import { minorUnits } from '../../money.ts';
import type { FactOf, PaymentFact, PaymentStatus } from '../../payment-event.ts';
import { checkFacts, readBody, readPart } from '../event-body.ts';

/**
 * What Lemon Squeezy's orders and subscription payments say; an empty list for
 * the rest. Each carries the whole object, so the latest `updated_at` holds.
 * Orders and subscription invoices are numbered apart, so they are referred to
 * apart. Refunds have no ids: what an order was refunded in all is said of the
 * payment. Source: docs.lemonsqueezy.com/api/orders and /subscription-invoices,
 * lmsqueezy/laravel Webhooks/Enums.
 */
export function translateLemonSqueezy(body: Buffer): readonly PaymentFact[] {
  const { meta, data } = readBody(body, envelope);
  switch (meta.event_name) {
    case 'order_created':
    case 'order_refunded':
      return checkFacts([orderFact(readPart({ schema: order, value: data, path: 'data' }))]);
    case 'subscription_payment_success':
    case 'subscription_payment_recovered':
    case 'subscription_payment_refunded':
      return checkFacts(invoiceFacts(readPart({ schema: invoice, value: data, path: 'data' }), invoiceStatuses));
    case 'subscription_payment_failed':
      return checkFacts(invoiceFacts(readPart({ schema: invoice, value: data, path: 'data' }), failedInvoiceStatuses));
    default:
      return [];
  }
}

const envelope = z.object({ meta: z.object({ event_name: z.string() }), data: z.unknown().optional() });

const cents = z.int().nonnegative();
const amounts = {
  currency: z.string().regex(/^[A-Z]{3}$/),
  total: cents,
  refunded_amount: cents.nullish(),
  updated_at: z.iso.datetime({ offset: true }),
};

const order = z.object({
  type: z.literal('orders'),
  id: z.string(),
  attributes: z.object({
    ...amounts,
    status: z.enum(['pending', 'failed', 'paid', 'refunded', 'partial_refund', 'fraudulent']),
  }),
});

/** An order found fraudulent is told of without a status: where its money went is not documented. */
const orderStatuses = {
  pending: 'pending',
  failed: 'failed',
  paid: 'captured',
  refunded: 'captured',
  partial_refund: 'captured',
  fraudulent: undefined,
} as const satisfies Record<z.infer<typeof order>['attributes']['status'], PaymentStatus | undefined>;

function orderFact({ id, attributes }: z.infer<typeof order>): FactOf<'payment'> {
  return paymentFact({ reference: `order:${id}`, status: orderStatuses[attributes.status], attributes });
}

const invoice = z.object({
  type: z.literal('subscription-invoices'),
  id: z.string(),
  attributes: z.object({
    ...amounts,
    billing_reason: z.enum(['initial', 'renewal', 'updated']),
    // The documentation and the Laravel package spell the last one differently.
    status: z.enum(['pending', 'paid', 'void', 'refunded', 'partial_refund', 'partial_refunded']),
  }),
});
type InvoiceStatus = z.infer<typeof invoice>['attributes']['status'];

const invoiceStatuses = {
  pending: 'pending',
  paid: 'captured',
  void: 'canceled',
  refunded: 'captured',
  partial_refund: 'captured',
  partial_refunded: 'captured',
} as const satisfies Record<InvoiceStatus, PaymentStatus>;

/** An invoice whose payment failed waits for the next attempt. */
const failedInvoiceStatuses = { ...invoiceStatuses, pending: 'failed' } as const;

/**
 * A subscription's first payment is an order too, and an invoice does not say
 * of which: it is left to the order, lest the money be counted twice.
 */
function invoiceFacts(
  { id, attributes }: z.infer<typeof invoice>,
  statuses: Readonly<Record<InvoiceStatus, PaymentStatus>>,
): readonly FactOf<'payment'>[] {
  if (attributes.billing_reason === 'initial') return [];
  return [paymentFact({ reference: `payment:${id}`, status: statuses[attributes.status], attributes })];
}

function paymentFact(about: {
  readonly reference: `order:${string}` | `payment:${string}`;
  readonly status: PaymentStatus | undefined;
  readonly attributes: {
    readonly status: string;
    readonly currency: string;
    readonly total: number;
    readonly refunded_amount?: number | null | undefined;
    readonly updated_at: string;
  };
}): FactOf<'payment'> {
  const { reference, status, attributes } = about;
  const { currency, total, refunded_amount: refunded } = attributes;
  const known = hasCents(currency);
  const fullyRefunded = attributes.status === 'refunded' ? total : undefined;
  return {
    kind: 'payment',
    occurredAtMs: Date.parse(attributes.updated_at),
    references: [reference],
    status,
    amount: known ? total : undefined,
    currency,
    captured: known && status === 'captured' ? { key: reference, amount: total } : undefined,
    refundedTotal: known ? (refunded ?? fullyRefunded) : undefined,
  };
}

/**
 * Amounts are documented as cents. What that means in a currency without them
 * (yen) is not, so there no amount is named.
 */
function hasCents(currency: string): boolean {
  return minorUnits('1', currency) === 100;
}
