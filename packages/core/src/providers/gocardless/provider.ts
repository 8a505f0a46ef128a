import type { Provider } from '../../provider.ts';
import { words } from '../../words.ts';
import { statesSameGoCardlessEvent } from './event.ts';
import { translateGoCardless } from './translate.ts';
import { createGoCardlessVerifier } from './verify.ts';

export const gocardless: Provider = {
  id: 'gocardless',
  mediaType: 'application/json',
  eventTypes: words(`
    payments.created payments.customer_approval_granted payments.customer_approval_denied payments.submitted
    payments.resubmission_requested payments.confirmed payments.paid_out payments.failed
    payments.late_failure_settled payments.cancelled payments.charged_back payments.chargeback_settled
    payments.chargeback_cancelled payments.surcharge_fee_debited refunds.created refunds.paid refunds.failed
    refunds.refund_settled refunds.funds_returned payouts.paid payouts.fx_rate_confirmed
    payouts.tax_exchange_rates_confirmed mandates.created mandates.customer_approval_granted mandates.submitted
    mandates.active mandates.cancelled mandates.failed mandates.transferred mandates.expired
    mandates.resubmission_requested mandates.reinstated mandates.replaced mandates.consumed mandates.blocked
    subscriptions.created subscriptions.customer_approval_granted subscriptions.customer_approval_denied
    subscriptions.payment_created subscriptions.cancelled subscriptions.finished subscriptions.paused
    subscriptions.resumed subscriptions.scheduled_pause subscriptions.scheduled_resume
  `),
  documentation: {
    title: 'GoCardless',
    signatureIn: '`Webhook-Signature`',
    window: 'none: no time is signed',
    retries:
      'up to 8 times at increasing intervals where there is no 2xx within 10 seconds (support.gocardless.com, “Webhook retries / failures”)',
    covers:
      'payments, refunds, chargebacks, payouts: where each stands, but no amounts, which its events do not carry. A payment that fails after it was confirmed is kept as captured and marked as a conflict',
    setup: [
      'Add a webhook endpoint in the developer dashboard with the URL /webhooks/<endpoint>.',
      'Set its secret as the first of `secrets`.',
    ],
    source: 'gocardless-nodejs src/webhooks.ts; developer.gocardless.com/api-reference, Webhooks and Events',
  },
  // "Webhooks about unknown events should be ignored, and return 204 No Content"; any 2xx is taken as received.
  acknowledgement: { status: 204, contentType: 'text/plain', body: '' },
  // "Webhooks with an invalid signature must return a 498 Token Invalid error."
  mismatchStatus: 498,
  createVerifier: createGoCardlessVerifier,
  translate: translateGoCardless,
  statesSameEvent: statesSameGoCardlessEvent,
};
