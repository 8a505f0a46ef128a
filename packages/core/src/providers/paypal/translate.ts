import * as z from 'zod';
import type {
  DisputeStatus,
  FactOf,
  PaymentFact,
  PaymentStatus,
  PayoutStatus,
  RefundStatus,
} from '../../payment-event.ts';
import { checkFacts, readBody, readPart, shortText } from '../event-body.ts';
import { moneyFields, occurredAtMsOf, type EventTime } from './facts.ts';
import { authorizationFact, authorizationStatus, captureFact, orderFacts, saleFact } from './payment-facts.ts';
import { disputeFacts, refundFacts, reversalFact } from './refund-facts.ts';
import {
  disputeSchema,
  orderSchema,
  payoutItemSchema,
  refundSchema,
  transactionSchema,
  type PayPalTransaction,
} from './resources.ts';

/**
 * What a verified PayPal event says about payments, refunds, disputes and
 * payouts; an empty list for every other type. A resource is a snapshot, so
 * facts happen when it was last updated.
 *
 * Throws PermanentError: `malformed_event` for a handled type whose resource
 * contradicts PayPal's documentation, `malformed_amount` for an amount that
 * cannot be (see money.ts). The message names paths, never values.
 */
export function translatePayPal(body: Buffer): readonly PaymentFact[] {
  const event = readBody(body, envelope);
  const translate = translations.get(event.event_type);
  return translate === undefined ? [] : checkFacts(translate(event.resource, event));
}

type Translate = (resource: unknown, event: EventTime) => readonly PaymentFact[];

const envelope = z
  .object({ event_type: z.string(), create_time: z.unknown().optional(), resource: z.unknown().optional() })
  .transform((event) => ({
    ...event,
    create_time: typeof event.create_time === 'string' ? event.create_time : undefined,
  }));

/**
 * PAYMENT.PAYOUTSBATCH.* state nothing here: a batch is not a payout, and its
 * items, which may end differently, have their own events.
 */
const translations: ReadonlyMap<string, Translate> = new Map([
  ['CHECKOUT.ORDER.APPROVED', orders('created')],
  // COMPLETED covers authorized as well as captured orders; the payments it lists say which.
  ['CHECKOUT.ORDER.COMPLETED', orders(undefined)],
  ['CHECKOUT.PAYMENT-APPROVAL.REVERSED', orders('canceled')],
  [
    'PAYMENT.AUTHORIZATION.CREATED',
    transactions((authorization, event) => authorizationFact(authorization, authorizationStatus(authorization), event)),
  ],
  [
    'PAYMENT.AUTHORIZATION.VOIDED',
    transactions((authorization, event) => authorizationFact(authorization, 'canceled', event)),
  ],
  ['PAYMENT.CAPTURE.PENDING', captures('pending')],
  ['PAYMENT.CAPTURE.COMPLETED', captures('captured')],
  ['PAYMENT.CAPTURE.DECLINED', captures('failed')],
  ['PAYMENT.CAPTURE.DENIED', captures('failed')],
  ['PAYMENT.CAPTURE.REFUNDED', refunds('succeeded')],
  ['PAYMENT.CAPTURE.REVERSED', reversedCapture],
  ['PAYMENT.REFUND.PENDING', refunds('pending')],
  ['PAYMENT.REFUND.FAILED', refunds('failed')],
  ['PAYMENT.SALE.PENDING', sales('pending')],
  ['PAYMENT.SALE.COMPLETED', sales('captured')],
  ['PAYMENT.SALE.DENIED', sales('failed')],
  ['PAYMENT.SALE.REFUNDED', refunds('succeeded')],
  ['PAYMENT.SALE.REVERSED', reversedSale],
  ['CUSTOMER.DISPUTE.CREATED', disputes('needs_response')],
  ['CUSTOMER.DISPUTE.UPDATED', disputes(undefined)],
  ['CUSTOMER.DISPUTE.RESOLVED', disputes(undefined)],
  ['RISK.DISPUTE.CREATED', disputes('needs_response')],
  ['PAYMENT.PAYOUTS-ITEM.SUCCEEDED', payouts('paid')],
  ['PAYMENT.PAYOUTS-ITEM.FAILED', payouts('failed')],
  ['PAYMENT.PAYOUTS-ITEM.DENIED', payouts('failed')],
  ['PAYMENT.PAYOUTS-ITEM.BLOCKED', payouts('failed')],
  ['PAYMENT.PAYOUTS-ITEM.HELD', payouts('held')],
  ['PAYMENT.PAYOUTS-ITEM.UNCLAIMED', payouts('unclaimed')],
  ['PAYMENT.PAYOUTS-ITEM.RETURNED', payouts('returned')],
  ['PAYMENT.PAYOUTS-ITEM.REFUNDED', payouts('returned')],
  ['PAYMENT.PAYOUTS-ITEM.CANCELED', payouts('canceled')],
]);

function orders(status: PaymentStatus | undefined): Translate {
  return (resource, event) =>
    orderFacts(readPart({ schema: orderSchema, value: resource, path: 'resource' }), status, event);
}

function transactions(say: (transaction: PayPalTransaction, event: EventTime) => PaymentFact): Translate {
  return (resource, event) => [say(readPart({ schema: transactionSchema, value: resource, path: 'resource' }), event)];
}

function captures(status: PaymentStatus): Translate {
  return transactions((capture, event) => captureFact(capture, status, event));
}

function sales(status: PaymentStatus): Translate {
  return transactions((sale, event) => saleFact(sale, status, event));
}

/** The usual status stands where the resource has none. */
function refunds(usual: RefundStatus): Translate {
  return (resource, event) =>
    refundFacts(readPart({ schema: refundSchema, value: resource, path: 'resource' }), usual, event);
}

function reversedCapture(resource: unknown, event: EventTime): readonly PaymentFact[] {
  return [reversalFact(readPart({ schema: refundSchema, value: resource, path: 'resource' }), [], event)];
}

/** PayPal's sample of a reversed sale names no parent: its resource_type says that its own id is the sale's. */
function reversedSale(resource: unknown, event: EventTime): readonly PaymentFact[] {
  const reversal = readPart({ schema: refundSchema, value: resource, path: 'resource' });
  return [reversalFact(reversal, [`sale:${reversal.id}`], event)];
}

function disputes(usual: DisputeStatus | undefined): Translate {
  return (resource, event) =>
    disputeFacts(readPart({ schema: disputeSchema, value: resource, path: 'resource' }), usual, event);
}

/** The item carries no time of its last change, so the event's stands for it. */
function payouts(status: PayoutStatus): Translate {
  return (resource, event) => {
    const item = readPart({ schema: payoutItemSchema, value: resource, path: 'resource' });
    const fact: FactOf<'payout'> = {
      kind: 'payout',
      occurredAtMs: occurredAtMsOf({}, event),
      id: item.payout_item_id,
      status,
      ...moneyFields(item.payout_item?.amount),
      failureCode: shortText(item.errors?.name),
    };
    return [fact];
  };
}
