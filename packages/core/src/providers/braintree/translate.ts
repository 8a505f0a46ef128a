import * as z from 'zod';
import type { PaymentFact } from '../../payment-event.ts';
import { checkFacts, malformedEvent, readPart } from '../event-body.ts';
import { dispute, disputeFact } from './disputes.ts';
import { readForm } from './form.ts';
import { notification, optional, readXml } from './notification.ts';
import { refundFact, transaction, transactionFact } from './transactions.ts';

/**
 * What Braintree's transactions, subscription charges, local payments, failed
 * refunds and disputes say; an empty list for the rest. Each carries its
 * transactions as they stand at the notification's time. `body` is the form as
 * it was posted. Source: braintree webhook_notification.js, webhook_testing_gateway.js.
 */
export function translateBraintree(body: Buffer): readonly PaymentFact[] {
  const form = readForm(body);
  if (form.kind !== 'form') throw malformedEvent(form.reason);
  const reading = readXml(form.payload);
  if (reading.kind === 'malformed') throw malformedEvent(reading.reason);
  const { kind, timestamp, subject } = readPart({
    schema: notification,
    value: reading.value,
    path: 'payload',
  }).notification;
  return checkFacts(factsOf({ kind, subject, occurredAtMs: Date.parse(timestamp) }));
}

function factsOf(event: {
  readonly kind: string;
  readonly subject: unknown;
  readonly occurredAtMs: number;
}): readonly PaymentFact[] {
  const { kind, subject, occurredAtMs } = event;
  switch (kind) {
    case 'transaction_disbursed':
    case 'transaction_retried':
    case 'transaction_settled':
    case 'transaction_settlement_declined': {
      const read = readPart({ schema: aboutTransaction, value: subject, path: 'subject' });
      return [transactionFact(read.transaction, occurredAtMs)];
    }
    case 'refund_failed': {
      const read = readPart({ schema: aboutTransaction, value: subject, path: 'subject' });
      return [refundFact(read.transaction, occurredAtMs)];
    }
    case 'subscription_charged_successfully':
    case 'subscription_charged_unsuccessfully': {
      const { subscription } = readPart({ schema: aboutSubscription, value: subject, path: 'subject' });
      return (subscription.transactions?.transaction ?? []).map((read) => transactionFact(read, occurredAtMs));
    }
    case 'local_payment_completed': {
      const read = readPart({ schema: aboutLocalPayment, value: subject, path: 'subject' })['local-payment'];
      return read.transaction === undefined ? [] : [transactionFact(read.transaction, occurredAtMs)];
    }
    case 'local_payment_funded': {
      const read = readPart({ schema: aboutLocalPaymentFunded, value: subject, path: 'subject' });
      return [transactionFact(read['local-payment-funded'].transaction, occurredAtMs)];
    }
    case 'dispute_accepted':
    case 'dispute_auto_accepted':
    case 'dispute_disputed':
    case 'dispute_expired':
    case 'dispute_lost':
    case 'dispute_opened':
    case 'dispute_under_review':
    case 'dispute_won': {
      const read = readPart({ schema: aboutDispute, value: subject, path: 'subject' });
      return [disputeFact(read.dispute, occurredAtMs)];
    }
    default:
      return [];
  }
}

/** One element is read as itself, several as a list. */
const transactions = z.preprocess(
  (value) => (value === undefined || Array.isArray(value) ? value : [value]),
  z.array(transaction).optional(),
);

const aboutTransaction = z.object({ transaction });
const aboutSubscription = z.object({
  subscription: z.object({ transactions: optional(z.object({ transaction: transactions })) }),
});
/** Where the customer's payment is completed before a transaction is made of it, there is none. */
const aboutLocalPayment = z.object({ 'local-payment': z.object({ transaction: optional(transaction) }) });
const aboutLocalPaymentFunded = z.object({ 'local-payment-funded': z.object({ transaction }) });
const aboutDispute = z.object({ dispute });
