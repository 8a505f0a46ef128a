import { randomBytes, randomUUID } from 'node:crypto';
import type { DemoEvent } from './demo-event.ts';

/** 80.00 USD: approved, authorized, captured, 25.00 refunded, disputed. */
export function paypalLife(now: Date) {
  const id = (): string => randomBytes(9).toString('hex').slice(0, 17).toUpperCase();
  const [order, authorization, paymentId, refund] = [id(), id(), id(), id()];
  const at = (secondsAgo: number): string =>
    `${new Date(now.getTime() - secondsAgo * 1000).toISOString().slice(0, 19)}Z`;
  const amount = (value: string) => ({ currency_code: 'USD', value });
  const related = { supplementary_data: { related_ids: { order_id: order, authorization_id: authorization } } };
  const up = (kind: string, target: string) => ({
    links: [{ rel: 'up', method: 'GET', href: `https://api.sandbox.paypal.com/v2/payments/${kind}/${target}` }],
  });
  return {
    paymentId,
    approved: paypalEvent({
      type: 'CHECKOUT.ORDER.APPROVED',
      resourceType: 'checkout-order',
      at: at(450),
      resource: {
        id: order,
        status: 'APPROVED',
        intent: 'AUTHORIZE',
        create_time: at(450),
        purchase_units: [{ reference_id: 'default', amount: amount('80.00') }],
      },
    }),
    authorized: paypalEvent({
      type: 'PAYMENT.AUTHORIZATION.CREATED',
      resourceType: 'authorization',
      at: at(350),
      resource: {
        id: authorization,
        status: 'CREATED',
        amount: amount('80.00'),
        create_time: at(350),
        update_time: at(350),
        supplementary_data: { related_ids: { order_id: order } },
      },
    }),
    captured: paypalEvent({
      type: 'PAYMENT.CAPTURE.COMPLETED',
      resourceType: 'capture',
      at: at(250),
      resource: {
        id: paymentId,
        status: 'COMPLETED',
        amount: amount('80.00'),
        final_capture: true,
        create_time: at(250),
        update_time: at(250),
        ...related,
        ...up('authorizations', authorization),
      },
    }),
    refunded: paypalEvent({
      type: 'PAYMENT.CAPTURE.REFUNDED',
      resourceType: 'refund',
      at: at(150),
      resource: {
        id: refund,
        status: 'COMPLETED',
        amount: amount('25.00'),
        create_time: at(150),
        update_time: at(150),
        ...up('captures', paymentId),
      },
    }),
    disputed: paypalEvent({
      type: 'CUSTOMER.DISPUTE.CREATED',
      resourceType: 'dispute',
      at: at(50),
      resource: {
        dispute_id: `PP-D-${id().slice(0, 5)}`,
        create_time: at(50),
        update_time: at(50),
        status: 'OPEN',
        reason: 'MERCHANDISE_OR_SERVICE_NOT_RECEIVED',
        dispute_amount: amount('55.00'),
        disputed_transactions: [{ seller_transaction_id: paymentId }],
      },
    }),
  };
}

function paypalEvent(given: {
  readonly type: string;
  readonly resourceType: string;
  readonly at: string;
  readonly resource: Record<string, unknown>;
}): DemoEvent {
  const eventId = `WH-${randomUUID().toUpperCase()}`;
  const event = {
    id: eventId,
    event_version: '1.0',
    create_time: given.at,
    resource_type: given.resourceType,
    resource_version: '2.0',
    event_type: given.type,
    summary: 'Demonstration',
    resource: given.resource,
    links: [],
  };
  return { eventId, type: given.type, body: Buffer.from(JSON.stringify(event)) };
}
