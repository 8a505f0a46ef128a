import type { Provider } from '../../provider.ts';
import { words } from '../../words.ts';
import { translateSquare } from './translate.ts';
import { createSquareVerifier } from './verify.ts';

export const square: Provider = {
  id: 'square',
  mediaType: 'application/json',
  eventTypes: words(`
    payment.created payment.updated refund.created refund.updated dispute.created dispute.state.updated
    dispute.state.changed dispute.evidence.created dispute.evidence.deleted payout.sent payout.paid payout.failed
    order.created order.updated order.fulfillment.updated invoice.created invoice.published invoice.updated
    invoice.payment_made invoice.scheduled_charge_failed invoice.canceled invoice.refunded invoice.deleted
    customer.created customer.updated customer.deleted card.created card.updated card.disabled subscription.created
    subscription.updated oauth.authorization.revoked
  `),
  documentation: {
    title: 'Square',
    signatureIn: '`x-square-hmacsha256-signature`',
    window: 'none: no time is signed',
    retries: 'up to 24 hours, then discarded',
    covers: 'payments, refunds, disputes',
    setup: [
      'Add a webhook subscription in the developer dashboard with the URL /webhooks/<endpoint>.',
      'Choose payment.*, refund.* and dispute.* events.',
      'Set the signature key as the first of `secrets`, and the URL, to the letter, as `notificationUrl`.',
    ],
    source: 'square-nodejs-sdk WebhooksHelper.ts; developer.squareup.com',
  },
  createVerifier: createSquareVerifier,
  translate: translateSquare,
  statesSameEvent: (stored, received) => stored.equals(received),
};
