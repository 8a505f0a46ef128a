import type Stripe from 'stripe';

/**
 * The payload of a Stripe event of this type, as the `stripe` package describes
 * it for its own API version; `unknown` where it knows no such type. Events
 * come rendered at the version of the account or endpoint: a field that
 * differs between the two is not checked. Types only; nothing of the package
 * is there at run time.
 */
export type StripePayload<Type extends string> = Type extends Stripe.Event.Type
  ? Extract<Stripe.Event, { readonly type: Type }>
  : unknown;
