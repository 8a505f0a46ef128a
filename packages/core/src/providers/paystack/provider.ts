import type { Provider } from '../../provider.ts';
import { words } from '../../words.ts';
import { translatePaystack } from './translate.ts';
import { createPaystackVerifier } from './verify.ts';

export const paystack: Provider = {
  id: 'paystack',
  mediaType: 'application/json',
  eventTypes: words(`
    charge.success charge.dispute.create charge.dispute.remind charge.dispute.resolve refund.pending
    refund.processing refund.processed refund.failed transfer.success transfer.failed transfer.reversed
    customeridentification.success customeridentification.failed dedicatedaccount.assign.success
    dedicatedaccount.assign.failed invoice.create invoice.update invoice.payment_failed paymentrequest.pending
    paymentrequest.success subscription.create subscription.disable subscription.not_renew
    subscription.expiring_cards
  `),
  documentation: {
    title: 'Paystack',
    signatureIn: '`x-paystack-signature`',
    window: 'none: no time is signed',
    retries:
      'live: every 3 minutes for the first 4 tries, then hourly for 72 hours; test: hourly for 10 hours; 30 seconds a try',
    covers: 'successful charges, refunds, disputes, transfers; Paystack does not notify of failed charges',
    setup: [
      'Set the live webhook URL to /webhooks/<endpoint> under Settings, API Keys & Webhooks in the dashboard.',
      'Set the live secret key (sk_live_…) as the first of `secrets`: it is what events are signed with.',
      'When the key is rolled, keep the old one with a `notAfter` four days away, past its last retries.',
      'Give test mode an endpoint of its own, with the test secret key.',
    ],
    source: 'paystack.com/docs/payments/webhooks; PaystackOSS/doc-code-snippets',
  },
  createVerifier: createPaystackVerifier,
  translate: translatePaystack,
  statesSameEvent: (stored, received) => stored.equals(received),
};
