import type { Provider } from '../../provider.ts';
import { words } from '../../words.ts';
import { createMercadoPagoConfirmer } from './confirm.ts';
import { confirmationSettings } from './settings.ts';
import { translateMercadoPagoAnswer } from './translate.ts';
import { createMercadoPagoVerifier } from './verify.ts';

export const mercadoPago: Provider = {
  id: 'mercado-pago',
  mediaType: 'application/json',
  eventTypes: words(`
    payment order merchant_order plan subscription subscription_preapproval subscription_preapproval_plan
    subscription_authorized_payment invoice point_integration_wh topic_claims_integration_wh topic_chargebacks_wh
    stop_delivery_op_wh
  `),
  documentation: {
    title: 'Mercado Pago',
    signatureIn: '`x-signature` over `data.id` of the URL, `x-request-id` and `ts`; the body is not signed',
    window: 'three days by default (`toleranceSeconds`)',
    retries: 'every 15 minutes at first (not verified)',
    covers: 'payments with their refunds, chargebacks and mediations',
    setup: [
      'In Your integrations → Webhooks, add the URL /webhooks/<endpoint> and choose the topic Payments.',
      'Put the secret signature shown there first in `secrets`, and an access token of the application into `accessToken`: the worker fetches each payment and acts on the answer alone.',
      'Notifications of QR codes are not signed and are refused.',
    ],
    source: 'mercadopago (npm) dist/utils/webhook; mercadopago.com developers, GET /v1/payments/{id}',
  },
  createVerifier: createMercadoPagoVerifier,
  // Nothing of the body is signed.
  translate: () => [],
  confirmation: {
    settings: confirmationSettings,
    createConfirmer: createMercadoPagoConfirmer,
    translate: translateMercadoPagoAnswer,
  },
  // The body is believed in nothing, so no difference between two is one.
  statesSameEvent: () => true,
};
