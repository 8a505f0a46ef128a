import { describe, expect, test } from 'vitest';
import type { PaymentFact } from '../payment-event.ts';
import { foldPayment } from '../payment.ts';
import { translateCheckout } from './checkout/translate.ts';
import { translateMercadoPagoAnswer } from './mercado-pago/translate.ts';
import { translateMollieAnswer } from './mollie/translate.ts';
import { capture, event as payPalEvent, refund as payPalRefund, usd } from './paypal/fixtures/translate-resources.ts';
import { translatePayPal } from './paypal/translate.ts';
import { translateRazorpay } from './razorpay/translate.ts';
import { translateSquare } from './square/translate.ts';
import { translateStripe } from './stripe/translate.ts';

/** A payment of 10.00, a refund of 5.00 that succeeds, and what is told once that came to nothing. */
interface Told {
  readonly paid: readonly PaymentFact[];
  readonly refunded: readonly (readonly PaymentFact[])[];
  readonly undone: readonly (readonly PaymentFact[])[];
}

/** Seconds after ten o'clock. */
const at = (second: number) => `2026-03-01T10:00:0${second}Z`;
const unix = (second: number) => Date.parse(at(second)) / 1_000;
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));

/** Every provider that states what was refunded in all, and Mollie, which does, at no time. */
const providers: Readonly<Record<string, Told>> = {
  'Stripe, without another event of the charge': {
    paid: stripe('charge.succeeded', 1, stripeCharge(0)),
    refunded: [stripe('charge.refunded', 3, stripeCharge(500)), stripe('refund.created', 3, stripeRefund('succeeded'))],
    undone: [stripe('refund.failed', 5, stripeRefund('failed'))],
  },
  'Stripe, with one': {
    paid: stripe('charge.succeeded', 1, stripeCharge(0)),
    refunded: [stripe('charge.refunded', 3, stripeCharge(500))],
    undone: [
      stripe('charge.updated', 5, stripeCharge(0)),
      stripe('refund.failed', 5, stripeRefund('failed')),
      stripe('charge.refund.updated', 5, stripeRefund('failed')),
    ],
  },
  'Checkout.com': {
    paid: checkout('payment_captured', 1, 0),
    refunded: [checkout('payment_refund_pending', 2, 500), checkout('payment_refunded', 3, 500)],
    undone: [checkout('payment_refund_declined', 5, 0)],
  },
  'Checkout.com, without balances': {
    paid: checkout('payment_captured', 1, 0),
    refunded: [checkout('payment_refunded', 3, 500)],
    undone: [checkout('payment_refund_declined', 5, null)],
  },
  'Square, its payment told anew': {
    paid: squarePayment(1, null),
    refunded: [squareRefund('PENDING', 2), squarePayment(3, 500)],
    undone: [squareRefund('FAILED', 5), squarePayment(5, 0)],
  },
  'Square, its payment without a sum': {
    paid: squarePayment(1, null),
    refunded: [squarePayment(3, 500)],
    undone: [squareRefund('FAILED', 5), squarePayment(6, null)],
  },
  Razorpay: {
    paid: razorpay('payment.captured', 1, { payment: razorpayPayment(0) }),
    refunded: [
      razorpay('payment.captured', 3, { payment: razorpayPayment(500) }),
      razorpay('refund.created', 3, { refund: razorpayRefund('pending'), payment: razorpayPayment(500) }),
    ],
    undone: [razorpay('refund.failed', 5, { refund: razorpayRefund('failed'), payment: razorpayPayment(0) })],
  },
  PayPal: {
    paid: payPal(
      'PAYMENT.CAPTURE.COMPLETED',
      1,
      capture({ amount: usd('10.00'), create_time: at(1), update_time: at(1) }),
    ),
    refunded: [payPal('PAYMENT.CAPTURE.REFUNDED', 3, payPalRefunded({ status: 'COMPLETED', update_time: at(3) }))],
    undone: [payPal('PAYMENT.REFUND.FAILED', 5, payPalRefunded({ status: 'FAILED', update_time: at(5) }))],
  },
  'PayPal, its refund without the time of its last change': {
    paid: payPal(
      'PAYMENT.CAPTURE.COMPLETED',
      1,
      capture({ amount: usd('10.00'), create_time: at(1), update_time: at(1) }),
    ),
    refunded: [payPal('PAYMENT.CAPTURE.REFUNDED', 3, payPalRefunded({ status: 'COMPLETED', update_time: undefined }))],
    undone: [payPal('PAYMENT.REFUND.FAILED', 5, payPalRefunded({ status: 'FAILED', update_time: undefined }))],
  },
  'Mercado Pago': {
    paid: mercadoPago({ date_last_updated: at(1), transaction_amount_refunded: 0 }),
    refunded: [mercadoPago({ date_last_updated: at(3), transaction_amount_refunded: 5, refunds: ['approved'] })],
    undone: [mercadoPago({ date_last_updated: at(5), transaction_amount_refunded: 0, refunds: ['cancelled'] })],
  },
  'Mercado Pago, its payment without the time of its last change': {
    paid: mercadoPago({ transaction_amount_refunded: 0 }),
    refunded: [mercadoPago({ transaction_amount_refunded: 5, refunds: ['approved'] })],
    undone: [mercadoPago({ transaction_amount_refunded: 0, refunds: ['cancelled'] })],
  },
  Mollie: {
    paid: mollie('0.00', []),
    refunded: [mollie('5.00', ['pending']), mollie('5.00', ['refunded'])],
    undone: [mollie('0.00', ['failed'])],
  },
};

describe('a refund that came to nothing takes nothing of its payment', () => {
  test.each(Object.entries(providers))('%s', (_provider, { paid, refunded, undone }) => {
    const told = [paid, ...refunded, ...undone];
    expect(refundedBy([paid])).toBe(0);
    const { payment, refunds } = foldPayment(keyed(told));
    expect(payment).toMatchObject({ amountCaptured: 1_000, amountRefunded: 0, refundState: 'none', conflict: null });
    expect(refunds).toMatchObject([{ amount: 500 }]);
    for (const order of [told.toReversed(), [...undone, paid, ...refunded], [...refunded, ...undone, paid]])
      expect(refundedBy(order)).toBe(0);
    // That the refund was told of at all is no condition.
    expect(refundedBy([paid, ...undone])).toBe(0);
  });
});

function keyed(told: readonly (readonly PaymentFact[])[]) {
  const eventIdOf = (facts: readonly PaymentFact[]) => JSON.stringify(facts);
  return told.flatMap((facts) => facts.map((fact, ordinal) => ({ eventId: eventIdOf(facts), ordinal, fact })));
}

function refundedBy(told: readonly (readonly PaymentFact[])[]): number {
  return foldPayment(keyed(told)).payment.amountRefunded;
}

function stripe(type: string, second: number, object: unknown): readonly PaymentFact[] {
  return translateStripe(bytes({ object: 'event', type, created: unix(second), data: { object } }));
}

function stripeCharge(amount_refunded: number) {
  const amounts = { amount: 1_000, amount_captured: 1_000, amount_refunded, currency: 'eur' };
  return { object: 'charge', id: 'ch_1', payment_intent: 'pi_1', status: 'succeeded', captured: true, ...amounts };
}

function stripeRefund(status: string) {
  const of = { charge: 'ch_1', payment_intent: 'pi_1' };
  return { object: 'refund', id: 're_1', ...of, amount: 500, currency: 'eur', status };
}

function checkout(type: string, second: number, total_refunded: number | null): readonly PaymentFact[] {
  const isRefund = type.startsWith('payment_refund');
  const balances = { total_authorized: 1_000, total_captured: 1_000, total_refunded };
  const data = {
    id: 'pay_1',
    action_id: isRefund ? 'act_2' : 'act_1',
    amount: isRefund ? 500 : 1_000,
    currency: 'EUR',
    ...(total_refunded === null ? {} : { balances }),
  };
  return translateCheckout(bytes({ type, created_on: at(second), data }));
}

function squarePayment(second: number, refunded: number | null): readonly PaymentFact[] {
  const payment = {
    id: 'P1',
    status: 'COMPLETED',
    created_at: at(0),
    updated_at: at(second),
    total_money: { amount: 1_000, currency: 'EUR' },
    ...(refunded === null ? {} : { refunded_money: { amount: refunded, currency: 'EUR' } }),
  };
  return translateSquare(bytes({ type: 'payment.updated', data: { object: { payment } } }));
}

function squareRefund(status: string, second: number): readonly PaymentFact[] {
  const amount_money = { amount: 500, currency: 'EUR' };
  const refund = { id: 'R1', payment_id: 'P1', status, created_at: at(2), updated_at: at(second), amount_money };
  return translateSquare(bytes({ type: 'refund.updated', data: { object: { refund } } }));
}

function razorpay(
  event: string,
  second: number,
  entities: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): readonly PaymentFact[] {
  const payload = Object.fromEntries(Object.entries(entities).map(([name, entity]) => [name, { entity }]));
  return translateRazorpay(bytes({ event, payload, created_at: unix(second) }));
}

function razorpayPayment(amount_refunded: number) {
  return { id: 'pay_1', amount: 1_000, currency: 'EUR', status: 'captured', captured: true, amount_refunded };
}

function razorpayRefund(status: string) {
  return { id: 'rfnd_1', payment_id: 'pay_1', amount: 500, currency: 'EUR', status };
}

function payPal(type: string, second: number, resource: object): readonly PaymentFact[] {
  const event: unknown = JSON.parse(payPalEvent(type, resource).toString());
  return translatePayPal(bytes({ ...Object(event), create_time: at(second) }));
}

function payPalRefunded(said: object) {
  const seller_payable_breakdown = { total_refunded_amount: usd('5.00') };
  return payPalRefund({ create_time: at(3), amount: usd('5.00'), seller_payable_breakdown, ...said });
}

function mercadoPago(said: {
  readonly date_last_updated?: string;
  readonly transaction_amount_refunded: number;
  readonly refunds?: readonly string[];
}): readonly PaymentFact[] {
  const { refunds = [], ...fields } = said;
  const payment = {
    id: 1,
    status: 'approved',
    currency_id: 'EUR',
    transaction_amount: 10,
    date_created: at(0),
    date_approved: at(1),
    ...fields,
    refunds: refunds.map((status) => ({ id: 2, amount: 5, status, date_created: at(2) })),
  };
  return translateMercadoPagoAnswer(bytes({}), bytes(payment));
}

function mollie(amountRefunded: string, statuses: readonly string[]): readonly PaymentFact[] {
  const euros = (value: string) => ({ value, currency: 'EUR' });
  const refunds = statuses.map((status) => ({ id: 're_1', status, amount: euros('5.00'), createdAt: at(2) }));
  const amounts = { amount: euros('10.00'), amountRefunded: euros(amountRefunded) };
  const payment = { resource: 'payment', id: 'tr_1', status: 'paid', ...amounts, createdAt: at(0), paidAt: at(1) };
  return translateMollieAnswer(Buffer.from('id=tr_1'), bytes({ ...payment, _embedded: { refunds } }));
}
