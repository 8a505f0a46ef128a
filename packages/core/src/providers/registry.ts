import type { Provider } from '../provider.ts';
import { adyen } from './adyen/provider.ts';
import { braintree } from './braintree/provider.ts';
import { checkout } from './checkout/provider.ts';
import { coinbaseCommerce } from './coinbase-commerce/provider.ts';
import { flutterwave } from './flutterwave/provider.ts';
import { genericHmac } from './generic-hmac/provider.ts';
import { github } from './github/provider.ts';
import { gocardless } from './gocardless/provider.ts';
import { lemonSqueezy } from './lemon-squeezy/provider.ts';
import { mercadoPago } from './mercado-pago/provider.ts';
import { mollie } from './mollie/provider.ts';
import { paddle } from './paddle/provider.ts';
import { paypal } from './paypal/provider.ts';
import { paystack } from './paystack/provider.ts';
import { razorpay } from './razorpay/provider.ts';
import { shopify } from './shopify/provider.ts';
import { square } from './square/provider.ts';
import { standardWebhooks } from './standard-webhooks/provider.ts';
import { stripe } from './stripe/provider.ts';
import { stripeCloud } from './stripe-cloud/provider.ts';
import { xendit } from './xendit/provider.ts';

/** Every provider that can be configured. */
export const providers = {
  stripe,
  paypal,
  adyen,
  braintree,
  checkout,
  'coinbase-commerce': coinbaseCommerce,
  flutterwave,
  'generic-hmac': genericHmac,
  github,
  gocardless,
  'lemon-squeezy': lemonSqueezy,
  'mercado-pago': mercadoPago,
  mollie,
  paddle,
  paystack,
  razorpay,
  shopify,
  square,
  'standard-webhooks': standardWebhooks,
  'stripe-cloud': stripeCloud,
  xendit,
} satisfies Record<string, Provider>;

const byName: ReadonlyMap<string, Provider> = new Map(Object.entries(providers));

/** The provider of that name, or undefined. */
export function providerNamed(id: string): Provider | undefined {
  return byName.get(id);
}
