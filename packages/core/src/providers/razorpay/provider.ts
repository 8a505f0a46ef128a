import type { Provider } from '../../provider.ts';
import { words } from '../../words.ts';
import { translateRazorpay } from './translate.ts';
import { createRazorpayVerifier } from './verify.ts';

export const razorpay: Provider = {
  id: 'razorpay',
  mediaType: 'application/json',
  eventTypes: words(`
    payment.pending payment.authorized payment.captured payment.failed payment.downtime.started
    payment.downtime.updated payment.downtime.resolved refund.created refund.processed refund.failed
    refund.speed_changed payment.dispute.created payment.dispute.under_review payment.dispute.action_required
    payment.dispute.won payment.dispute.lost payment.dispute.closed order.paid invoice.paid invoice.partially_paid
    invoice.expired settlement.processed payment_link.paid payment_link.partially_paid payment_link.expired
    payment_link.cancelled subscription.authenticated subscription.activated subscription.charged
    subscription.completed subscription.updated subscription.pending subscription.halted subscription.paused
    subscription.resumed subscription.cancelled
  `),
  documentation: {
    title: 'Razorpay',
    signatureIn: '`X-Razorpay-Signature`; `x-razorpay-event-id` is not signed and not used',
    window: 'none: no time is signed',
    retries: 'for 24 hours with growing pauses, then the webhook is disabled',
    covers: 'payments, refunds, disputes',
    setup: [
      'Add a webhook in the dashboard under Account & Settings → Webhooks with the URL /webhooks/<endpoint> and a secret of your choice.',
      'Choose payment.*, refund.* and payment.dispute.* events.',
      'Set that secret as the first of `secrets`; keep a replaced one for 24 hours, with `notAfter`, for the retries it signed.',
    ],
    source: 'razorpay-node lib/utils/razorpay-utils.js; razorpay.com/docs/webhooks/best-practices and /validate-test',
  },
  createVerifier: createRazorpayVerifier,
  translate: translateRazorpay,
  statesSameEvent: (stored, received) => stored.equals(received),
};
