import { adyen } from '@penstock/core/providers/adyen/provider';
import { adyenNotification } from '@penstock/core/providers/adyen/sign';
import * as adyenSample from '@penstock/core/providers/adyen/testing';
import { braintree } from '@penstock/core/providers/braintree/provider';
import { signBraintreeForm } from '@penstock/core/providers/braintree/sign';
import { checkout } from '@penstock/core/providers/checkout/provider';
import { events as checkoutEvents } from '@penstock/core/providers/checkout/fixtures/events';
import { signCheckoutRequest } from '@penstock/core/providers/checkout/sign';
import { chargeEvent } from '@penstock/core/providers/coinbase-commerce/fixtures/events';
import { coinbaseCommerce } from '@penstock/core/providers/coinbase-commerce/provider';
import { signCoinbaseCommerceRequest } from '@penstock/core/providers/coinbase-commerce/sign';
import { schemes } from '@penstock/core/providers/generic-hmac/fixtures/schemes';
import { genericHmac } from '@penstock/core/providers/generic-hmac/provider';
import { signGenericRequest } from '@penstock/core/providers/generic-hmac/sign';
import { github } from '@penstock/core/providers/github/provider';
import { signGithubRequest } from '@penstock/core/providers/github/sign';
import { gocardless } from '@penstock/core/providers/gocardless/provider';
import { signGoCardlessRequest } from '@penstock/core/providers/gocardless/sign';
import { orderCreated, renewalPaid } from '@penstock/core/providers/lemon-squeezy/fixtures/events';
import { lemonSqueezy } from '@penstock/core/providers/lemon-squeezy/provider';
import { signLemonSqueezyRequest } from '@penstock/core/providers/lemon-squeezy/sign';
import { paddle } from '@penstock/core/providers/paddle/provider';
import { signPaddleRequest } from '@penstock/core/providers/paddle/sign';
import { events as paystackEvents } from '@penstock/core/providers/paystack/fixtures/events';
import { paystack } from '@penstock/core/providers/paystack/provider';
import { signPaystackRequest } from '@penstock/core/providers/paystack/sign';
import { razorpay } from '@penstock/core/providers/razorpay/provider';
import { signRazorpayRequest } from '@penstock/core/providers/razorpay/sign';
import type { providers } from '@penstock/core/providers/registry';
import { shopify } from '@penstock/core/providers/shopify/provider';
import { signShopifyRequest } from '@penstock/core/providers/shopify/sign';
import { square } from '@penstock/core/providers/square/provider';
import { signSquareRequest } from '@penstock/core/providers/square/sign';
import { standardWebhooks } from '@penstock/core/providers/standard-webhooks/provider';
import { signStandardWebhooksRequest } from '@penstock/core/providers/standard-webhooks/sign';
import { stripe } from '@penstock/core/providers/stripe/provider';
import { signStripeRequest } from '@penstock/core/providers/stripe/sign';
import type { ThrowawayAuthority } from '@penstock/local/throwaway-authority';
import { bodyOf, githubEvents, paymentEvents, stripeEvents } from './corpus.ts';
import * as bodies from './bodies.ts';
import { mutateBytes } from './mutate-bytes.ts';
import { mutateJson } from './mutate-json.ts';
import { paypalTarget } from './paypal-target.ts';
import { fuzzedAt, requestOf, sameBody, type FuzzTarget } from './target.ts';
import {
  flutterwaveTarget,
  mercadoPagoTarget,
  mollieTarget,
  stripeCloudTarget,
  xenditTarget,
} from './unsigned-targets.ts';

const secret = 'a-signing-secret-of-the-fuzzer-one';
const otherSecret = 'a-signing-secret-of-the-fuzzer-two';
const two = { settings: { secrets: [secret] }, otherSettings: { secrets: [otherSecret] } };
const signsBody = { ...two, proves: sameBody, answers: [] };

/** Every provider of the registry: one that is not here does not compile. */
export function fuzzTargets(authority: ThrowawayAuthority): Readonly<Record<keyof typeof providers, FuzzTarget>> {
  return {
    stripe: {
      ...signsBody,
      provider: stripe,
      bodies: some([...stripeEvents, bodies.thinEvent]),
      stored: (random) => mutateJson(random.pick(some(random.below(2) === 0 ? paymentEvents : stripeEvents)), random),
      answers: [bodyOf({ id: 'pi_1', object: 'payment_intent', amount: 1, currency: 'eur', status: 'succeeded' })],
      sign: (body) => requestOf(signStripeRequest({ body, secrets: [secret], signedAt: fuzzedAt }), body),
    },
    paypal: paypalTarget(authority),
    adyen: {
      provider: adyen,
      settings: { secrets: [adyenSample.secret] },
      otherSettings: { secrets: [adyenSample.otherSecret] },
      bodies: some(bodies.adyenItems.map((item) => adyenNotification([item], { live: false }))),
      sign: bodies.signAdyenBody,
      stored: bodies.adyenItem,
      // Eight fields of an item are signed, and only these are acted upon.
      proves: (genuine, { event }) =>
        bodies.itemsOf(genuine.body).some((item) => adyen.statesSameEvent(bodyOf(item), event.body ?? Buffer.alloc(0))),
      answers: [],
    },
    braintree: {
      provider: braintree,
      settings: { secrets: ['j3tk9zq5bv7m2c4x|0f1e2d3c4b5a69788796a5b4c3d2e1f0'] },
      otherSettings: { secrets: ['j3tk9zq5bv7m2c4x|ffeeddccbbaa99887766554433221100'] },
      bodies: some(bodies.braintreeDocuments),
      sign: (xml) =>
        requestOf(
          { 'content-type': 'application/x-www-form-urlencoded' },
          signBraintreeForm({ xml, secret: 'j3tk9zq5bv7m2c4x|0f1e2d3c4b5a69788796a5b4c3d2e1f0' }),
        ),
      stored: (random) =>
        signBraintreeForm({
          xml: mutateBytes(random.pick(some(bodies.braintreeDocuments)), random),
          secret: 'j3tk9zq5bv7m2c4x|0f1e2d3c4b5a69788796a5b4c3d2e1f0',
        }),
      // The payload within the form is signed; it is named by its hash, and is what is stored.
      proves: (genuine, { body, event }) => bodies.payloadOf(event.body ?? body) === bodies.payloadOf(genuine.body),
      answers: [],
    },
    checkout: {
      ...signsBody,
      provider: checkout,
      bodies: some(Object.values(checkoutEvents).map(bodyOf)),
      sign: (body) => requestOf(signCheckoutRequest({ body, secret }), body),
    },
    'coinbase-commerce': {
      ...signsBody,
      provider: coinbaseCommerce,
      bodies: some(
        ['charge:created', 'charge:confirmed', 'charge:failed', 'charge:pending'].map((type) => chargeEvent({ type })),
      ),
      sign: (body) => requestOf(signCoinbaseCommerceRequest({ body, secret }), body),
    },
    'generic-hmac': {
      ...signsBody,
      provider: genericHmac,
      settings: { ...schemes.stripe, secrets: [secret] },
      otherSettings: { ...schemes.stripe, secrets: [otherSecret] },
      bodies: some(stripeEvents),
      sign: (body) =>
        requestOf(
          signGenericRequest({
            settings: { ...schemes.stripe, secrets: [secret] },
            body,
            signedAt: fuzzedAt,
            id: 'evt_1',
          }),
          body,
        ),
    },
    github: {
      ...signsBody,
      provider: github,
      bodies: some(githubEvents),
      sign: (body) => requestOf(signGithubRequest({ body, secret, event: 'issues' }), body),
    },
    gocardless: {
      ...signsBody,
      provider: gocardless,
      bodies: some(bodies.gocardlessEvents),
      sign: (body) => requestOf(signGoCardlessRequest({ body, secret }), body),
      stored: (random) => mutateJson(bodies.gocardlessItem, random),
    },
    'lemon-squeezy': {
      ...signsBody,
      provider: lemonSqueezy,
      bodies: some([orderCreated, renewalPaid].map(bodyOf)),
      sign: (body) => requestOf(signLemonSqueezyRequest({ body, secret }), body),
    },
    paddle: {
      ...signsBody,
      provider: paddle,
      bodies: some(bodies.paddleEvents),
      sign: (body) => requestOf(signPaddleRequest({ body, secrets: [secret], at: fuzzedAt }), body),
    },
    paystack: {
      ...signsBody,
      provider: paystack,
      bodies: some(Object.values(paystackEvents).map(bodyOf)),
      sign: (body) => requestOf(signPaystackRequest({ body, secret }), body),
    },
    razorpay: {
      ...signsBody,
      provider: razorpay,
      bodies: some(bodies.razorpayEvents),
      sign: (body) => requestOf(signRazorpayRequest({ body, secret }), body),
    },
    shopify: {
      ...signsBody,
      provider: shopify,
      bodies: some(bodies.shopifyEvents),
      sign: (body) => requestOf(signShopifyRequest({ body, secret, topic: 'orders/paid' }), body),
    },
    square: {
      ...signsBody,
      provider: square,
      settings: { ...two.settings, notificationUrl },
      otherSettings: { ...two.otherSettings, notificationUrl },
      bodies: some(bodies.squareEvents),
      sign: (body) => requestOf(signSquareRequest({ body, secret, notificationUrl }), body),
    },
    'standard-webhooks': {
      ...signsBody,
      provider: standardWebhooks,
      settings: { secrets: [whsec] },
      otherSettings: { secrets: ['whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'] },
      bodies: some([
        bodyOf({ type: 'contact.created', timestamp: '2026-03-01T11:59:58Z', data: { id: '1f81eb52' } }),
        ...githubEvents.slice(0, 20),
      ]),
      sign: (body) =>
        requestOf(
          signStandardWebhooksRequest({ body, secrets: [whsec], id: 'msg_1', signedAt: fuzzedAt, family: 'webhook' }),
          body,
        ),
    },
    'mercado-pago': mercadoPagoTarget,
    mollie: mollieTarget,
    flutterwave: flutterwaveTarget,
    'stripe-cloud': stripeCloudTarget,
    xendit: xenditTarget,
  };
}

const notificationUrl = 'https://example.org/webhooks/square';
const whsec = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

function some(buffers: readonly Buffer[]): readonly [Buffer, ...Buffer[]] {
  const [first, ...rest] = buffers;
  if (first === undefined) throw new Error('a target needs a body');
  return [first, ...rest];
}
