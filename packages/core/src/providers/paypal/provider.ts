import type { Provider } from '../../provider.ts';
import { words } from '../../words.ts';
import { confirmationSettings, createPayPalConfirmer, translatePayPalAnswer } from './confirm.ts';
import { createPayPalSnapshotter, snapshotSettings, translatePayPalSnapshot } from './snapshot.ts';
import { translatePayPal } from './translate.ts';
import { createPayPalVerifier } from './verify.ts';

export const paypal: Provider = {
  id: 'paypal',
  mediaType: 'application/json',
  eventTypes: words(`
    CHECKOUT.ORDER.APPROVED CHECKOUT.ORDER.COMPLETED CHECKOUT.ORDER.SAVED CHECKOUT.ORDER.VOIDED
    CHECKOUT.PAYMENT-APPROVAL.REVERSED PAYMENT.AUTHORIZATION.CREATED PAYMENT.AUTHORIZATION.VOIDED
    PAYMENT.CAPTURE.PENDING PAYMENT.CAPTURE.COMPLETED PAYMENT.CAPTURE.DECLINED PAYMENT.CAPTURE.DENIED
    PAYMENT.CAPTURE.REFUNDED PAYMENT.CAPTURE.REVERSED PAYMENT.REFUND.PENDING PAYMENT.REFUND.FAILED
    PAYMENT.SALE.PENDING PAYMENT.SALE.COMPLETED PAYMENT.SALE.DENIED PAYMENT.SALE.REFUNDED PAYMENT.SALE.REVERSED
    PAYMENT.ORDER.CREATED PAYMENT.ORDER.CANCELLED CUSTOMER.DISPUTE.CREATED CUSTOMER.DISPUTE.UPDATED
    CUSTOMER.DISPUTE.RESOLVED RISK.DISPUTE.CREATED PAYMENT.PAYOUTS-ITEM.SUCCEEDED PAYMENT.PAYOUTS-ITEM.FAILED
    PAYMENT.PAYOUTS-ITEM.DENIED PAYMENT.PAYOUTS-ITEM.BLOCKED PAYMENT.PAYOUTS-ITEM.HELD
    PAYMENT.PAYOUTS-ITEM.UNCLAIMED PAYMENT.PAYOUTS-ITEM.RETURNED PAYMENT.PAYOUTS-ITEM.REFUNDED
    PAYMENT.PAYOUTS-ITEM.CANCELED PAYMENT.PAYOUTSBATCH.PROCESSING PAYMENT.PAYOUTSBATCH.SUCCESS
    PAYMENT.PAYOUTSBATCH.DENIED BILLING.PLAN.CREATED BILLING.PLAN.UPDATED BILLING.PLAN.ACTIVATED
    BILLING.PLAN.DEACTIVATED BILLING.PLAN.PRICING-CHANGE.ACTIVATED BILLING.SUBSCRIPTION.CREATED
    BILLING.SUBSCRIPTION.ACTIVATED BILLING.SUBSCRIPTION.UPDATED BILLING.SUBSCRIPTION.EXPIRED
    BILLING.SUBSCRIPTION.CANCELLED BILLING.SUBSCRIPTION.SUSPENDED BILLING.SUBSCRIPTION.RE-ACTIVATED
    BILLING.SUBSCRIPTION.PAYMENT.FAILED INVOICING.INVOICE.CREATED INVOICING.INVOICE.UPDATED
    INVOICING.INVOICE.SCHEDULED INVOICING.INVOICE.PAID INVOICING.INVOICE.CANCELLED INVOICING.INVOICE.REFUNDED
    MERCHANT.ONBOARDING.COMPLETED MERCHANT.PARTNER-CONSENT.REVOKED CUSTOMER.MERCHANT-INTEGRATION.CAPABILITY-UPDATED
    CUSTOMER.MERCHANT-INTEGRATION.PRODUCT-SUBSCRIPTION-UPDATED
    CUSTOMER.MERCHANT-INTEGRATION.SELLER-ALREADY-INTEGRATED
    CUSTOMER.MERCHANT-INTEGRATION.SELLER-ONBOARDING-INITIATED CUSTOMER.MERCHANT-INTEGRATION.SELLER-CONSENT-GRANTED
    CUSTOMER.MERCHANT-INTEGRATION.SELLER-EMAIL-CONFIRMED VAULT.PAYMENT-TOKEN.CREATED VAULT.PAYMENT-TOKEN.DELETED
    VAULT.PAYMENT-TOKEN.DELETION-INITIATED CATALOG.PRODUCT.CREATED CATALOG.PRODUCT.UPDATED
  `),
  documentation: {
    title: 'PayPal',
    signatureIn: '`PAYPAL-TRANSMISSION-ID`, `-TIME`, `-SIG`, `PAYPAL-CERT-URL`, `PAYPAL-AUTH-ALGO`',
    window: 'three days and an hour back, 300 s ahead, by default',
    retries: '25 times over three days',
    covers: 'orders, authorizations, captures, sales, refunds, disputes, payout items',
    setup: [
      'Add a webhook to the REST app in the developer dashboard, with the https URL /webhooks/<endpoint>.',
      'Choose CHECKOUT.ORDER.*, PAYMENT.*, CUSTOMER.DISPUTE.* events.',
      'Set the webhook id, and the client id and secret: ingest asks PayPal what it cannot decide offline, and the worker fetches each event before it acts on it (`confirm`: `always`, `money`, `never`).',
    ],
    source: 'PayPal-Python-SDK notifications.py; PayPal openapi notifications_webhooks_v1.json',
  },
  createVerifier: createPayPalVerifier,
  translate: translatePayPal,
  confirmation: {
    settings: confirmationSettings,
    createConfirmer: createPayPalConfirmer,
    translate: translatePayPalAnswer,
  },
  snapshots: {
    settings: snapshotSettings,
    createSnapshotter: createPayPalSnapshotter,
    translate: translatePayPalSnapshot,
  },
  // Offline verification proves only a CRC32 of the body, so no difference between two bodies is harmless.
  statesSameEvent: (stored, received) => stored.equals(received),
};
