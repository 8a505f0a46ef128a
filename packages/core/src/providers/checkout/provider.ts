import type { Provider } from '../../provider.ts';
import { words } from '../../words.ts';
import { translateCheckout } from './translate.ts';
import { createCheckoutVerifier } from './verify.ts';

export const checkout: Provider = {
  id: 'checkout',
  mediaType: 'application/json',
  eventTypes: words(`
    payment_pending payment_approved payment_captured payment_capture_declined payment_capture_pending
    payment_declined payment_voided payment_void_declined payment_canceled payment_expired payment_paid
    payment_returned payment_refund_pending payment_refunded payment_refund_declined dispute_received
    dispute_evidence_required dispute_evidence_submitted dispute_evidence_acknowledged_by_scheme
    dispute_arbitration_sent_to_scheme dispute_won dispute_arbitration_won dispute_lost dispute_arbitration_lost
    dispute_accepted dispute_expired dispute_canceled dispute_resolved card_verified card_verification_declined
  `),
  documentation: {
    title: 'Checkout.com',
    signatureIn: '`Cko-Signature`',
    window: 'none: no time is signed',
    retries: 'eight more times, after 5, 10, 15 and 30 minutes, 1, 4, 12 and 12 hours',
    covers: 'payments, refunds, disputes; not payouts',
    setup: [
      'Add a webhook in the dashboard, or a workflow with a webhook action, with the URL /webhooks/<endpoint>.',
      'Choose payment_* and dispute_* events.',
      'Set the signature key of the webhook as the first of `secrets`.',
    ],
    source: 'checkout.com/docs, "Receive webhooks", "Set up your webhook receiver", webhook event types',
  },
  createVerifier: createCheckoutVerifier,
  translate: translateCheckout,
  statesSameEvent: (stored, received) => stored.equals(received),
};
