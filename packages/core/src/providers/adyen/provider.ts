import type { Provider } from '../../provider.ts';
import { words } from '../../words.ts';
import { statesSameAdyenEvent, translateAdyen } from './translate.ts';
import { createAdyenVerifier } from './verify.ts';

export const adyen: Provider = {
  id: 'adyen',
  mediaType: 'application/json',
  eventTypes: words(`
    AUTHORISATION AUTHORISATION_ADJUSTMENT CANCELLATION CANCEL_OR_REFUND CAPTURE CAPTURE_FAILED CHARGEBACK
    CHARGEBACK_REVERSED DISPUTE_DEFENSE_PERIOD_ENDED EXPIRE INFORMATION_SUPPLIED ISSUER_RESPONSE_TIMEFRAME_EXPIRED
    MANUAL_REVIEW_ACCEPT MANUAL_REVIEW_REJECT NOTIFICATION_OF_CHARGEBACK NOTIFICATION_OF_FRAUD OFFER_CLOSED
    ORDER_CLOSED ORDER_OPENED PAIDOUT_REVERSED PAYOUT_DECLINE PAYOUT_EXPIRE PAYOUT_THIRDPARTY PENDING
    POSTPONED_REFUND PREARBITRATION_ACCEPTED PREARBITRATION_DECLINED PREARBITRATION_ISSUER_WITHDRAWN
    PREARBITRATION_LOST PREARBITRATION_OPEN PREARBITRATION_WON RECURRING_CONTRACT REFUND REFUNDED_REVERSED
    REFUND_FAILED REFUND_WITH_DATA REPORT_AVAILABLE REQUEST_FOR_INFORMATION SECOND_CHARGEBACK TECHNICAL_CANCEL
    VOID_PENDING_REFUND
  `),
  documentation: {
    title: 'Adyen',
    signatureIn:
      '`additionalData.hmacSignature` of each item in the body (standard notifications: only eight fields are covered), `hmacsignature` (platform and management webhooks)',
    window: 'none: no time is signed',
    retries:
      'three times within 30 seconds, then after 2, 5, 10, 15 and 30 minutes, 1, 2, 4 and every 8 hours for up to 30 days (docs.adyen.com, Troubleshoot webhooks)',
    covers:
      'payments, refunds, disputes and payouts of standard notifications, by their signed fields only: reasons and dates are shown but not acted upon. With automatic capture Adyen sends no CAPTURE: set `capture` to `automatic`. CANCEL_OR_REFUND does not say which of the two in a signed field. Platform and management webhooks are verified and stored',
    setup: [
      'Add a Standard webhook in the Customer Area with the URL /webhooks/<endpoint>, method JSON.',
      'Generate an HMAC key under Security and set it as the first of `secrets`.',
      'When generating a new key, keep the old one in `secrets`: what was queued before is signed with it.',
      "Where the merchant account captures by itself, set `capture: 'automatic'`: an authorisation that succeeded is then the capture.",
      'For platform or management webhooks, add an endpoint of its own with its own key.',
    ],
    source: '@adyen/api-library src/utils/hmacValidator.ts; docs.adyen.com/development-resources/webhooks',
  },
  acknowledgement: { status: 200, contentType: 'text/plain', body: '[accepted]' },
  createVerifier: createAdyenVerifier,
  translate: translateAdyen,
  statesSameEvent: statesSameAdyenEvent,
};
