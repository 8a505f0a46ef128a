import type { Provider } from '../../provider.ts';
import { words } from '../../words.ts';
import { createBraintreeChallengeResponder } from './challenge.ts';
import { payloadSha256, readForm } from './form.ts';
import { translateBraintree } from './translate.ts';
import { createBraintreeVerifier } from './verify.ts';

export const braintree: Provider = {
  id: 'braintree',
  mediaType: 'application/x-www-form-urlencoded',
  eventTypes: words(`
    check account_updater_daily_report connected_merchant_paypal_status_changed
    connected_merchant_status_transitioned disbursement disbursement_exception dispute_accepted
    dispute_auto_accepted dispute_disputed dispute_expired dispute_lost dispute_opened dispute_under_review
    dispute_won grantor_updated_granted_payment_method granted_payment_instrument_update local_payment_completed
    local_payment_expired local_payment_funded local_payment_reversed oauth_access_revoked
    partner_merchant_connected partner_merchant_declined partner_merchant_disconnected
    payment_method_customer_data_updated payment_method_revoked_by_customer recipient_updated_granted_payment_method
    refund_failed subscription_billing_skipped subscription_canceled subscription_charged_successfully
    subscription_charged_unsuccessfully subscription_expired subscription_trial_ended subscription_went_active
    subscription_went_past_due transaction_disbursed transaction_retried transaction_reviewed transaction_settled
    transaction_settlement_declined
  `),
  documentation: {
    title: 'Braintree',
    signatureIn: 'the form fields `bt_signature` and `bt_payload`',
    window: 'none: the time in the payload is signed, but retries repeat it',
    retries: 'hourly, for 24 hours in production and 3 hours in the sandbox; 30 seconds a try',
    covers: 'transactions, subscription charges, local payments, failed refunds, disputes',
    setup: [
      'Set `<public key>|<private key>` of an API key as the first of `secrets`, and start: the URL must answer before it can be added.',
      'Add the URL /webhooks/<endpoint> under Settings, API, Webhooks in the control panel; it is asked to prove itself by a GET with bt_challenge.',
      'Choose the transaction, subscription, local payment, refund and dispute notifications.',
      'While an API key is replaced, list both pairs: Braintree signs with every key of the merchant.',
    ],
    source: 'braintree_node webhook_notification_gateway.js, digest.js; developer.paypal.com/braintree',
  },
  createVerifier: createBraintreeVerifier,
  createChallengeResponder: createBraintreeChallengeResponder,
  translate: translateBraintree,
  statesSameEvent: (stored, received) => payloadNameOf(stored) === payloadNameOf(received),
};

/** Only the payload is signed: forms of one payload state one event, whatever else they hold. */
function payloadNameOf(body: Buffer): string {
  const form = readForm(body);
  return form.kind === 'form' ? payloadSha256(form.payload) : body.toString('latin1');
}
