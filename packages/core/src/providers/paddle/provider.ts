import type { Provider } from '../../provider.ts';
import { words } from '../../words.ts';
import { statesSamePaddleEvent } from './event.ts';
import { translatePaddle } from './translate.ts';
import { createPaddleVerifier } from './verify.ts';

export const paddle: Provider = {
  id: 'paddle',
  mediaType: 'application/json',
  eventTypes: words(`
    transaction.created transaction.ready transaction.billed transaction.updated transaction.revised
    transaction.paid transaction.completed transaction.past_due transaction.canceled transaction.payment_failed
    adjustment.created adjustment.updated payout.created payout.paid subscription.created subscription.activated
    subscription.trialing subscription.updated subscription.past_due subscription.paused subscription.resumed
    subscription.canceled subscription.imported customer.created customer.updated customer.imported address.created
    address.updated address.imported business.created business.updated business.imported product.created
    product.updated product.imported price.created price.updated price.imported discount.created discount.updated
    discount.imported
  `),
  documentation: {
    title: 'Paddle Billing',
    signatureIn: '`Paddle-Signature`: `ts=<seconds>;h1=<hex>`',
    window: '30 s either way, by default',
    retries: 'live: up to 60 times over 3 days, with growing pauses; sandbox: not published',
    covers: 'transactions, refunds, chargebacks and their warnings',
    setup: [
      'Add a notification destination of type webhook under Developer tools → Notifications with the URL /webhooks/<endpoint>.',
      'Choose transaction.* and adjustment.* events.',
      'Copy the secret key (pdl_ntfset_…) and set it as the first of `secrets`.',
      'Keep `toleranceSeconds` above the time a delivery may wait in front of this service.',
    ],
    source:
      'paddle-node-sdk src/notifications/helpers/webhooks-validator.ts; developer.paddle.com/webhooks/about/respond-to-webhooks',
  },
  createVerifier: createPaddleVerifier,
  translate: translatePaddle,
  statesSameEvent: statesSamePaddleEvent,
};
