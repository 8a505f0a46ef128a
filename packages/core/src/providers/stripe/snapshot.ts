import * as z from 'zod';
import type { PaymentFact, PaymentStatus } from '../../payment-event.ts';
import type { ProviderEffects } from '../../provider.ts';
import { fetchingSnapshotter, type Snapshotter } from '../../snapshot.ts';
import { checkFacts, readBody, readPart } from '../event-body.ts';
import { readStripeAccess } from './confirm.ts';
import { chargeSchema, paymentIntentSchema, type StripeCharge, type StripePaymentIntent } from './objects.ts';
import { canceledStatus, chargeFact, chargeStatus, paymentIntentFact, succeededStatus } from './payment-facts.ts';
import { listedRefunds } from './translate.ts';

/**
 * Asks Stripe how a payment stands: GET /v1/payment_intents/{id} with its
 * latest charge and its refunds, or /v1/charges/{id} where no intent is known.
 * Source: docs.stripe.com/api/payment_intents/retrieve, /charges/retrieve, /expanding_objects.
 */
export function createStripeSnapshotter(settings: unknown, effects: ProviderEffects): Snapshotter | null {
  const access = readStripeAccess(settings, effects);
  if (access === null) return null;
  return fetchingSnapshotter(effects, {
    kinds: ['payment_intent', 'charge'],
    questionOf: ({ kind, id }, { providerAccount }) => ({
      url:
        kind === 'charge'
          ? `${access.origin}/v1/charges/${id}?expand%5B%5D=refunds`
          : `${access.origin}/v1/payment_intents/${id}?expand%5B%5D=latest_charge.refunds`,
      headers: {
        authorization: `Bearer ${access.credential}`,
        'stripe-version': access.apiVersion,
        ...(providerAccount === null ? {} : { 'stripe-account': providerAccount }),
      },
    }),
  });
}

const object = z.object({ object: z.enum(['payment_intent', 'charge']) });
const expanded = z.object({ latest_charge: z.unknown() });

/** What a payment intent or a charge says of its payment as it stands. */
export function translateStripeSnapshot(_name: string, answer: Buffer): readonly PaymentFact[] {
  if (readBody(answer, object).object === 'charge') return checkFacts(factsOfCharge(readBody(answer, chargeSchema)));
  const intent = readBody(answer, paymentIntentSchema);
  const { latest_charge: latest } = readBody(answer, expanded);
  const own = withCaptured(paymentIntentFact(intent, { status: intentStatus(answer, intent), occurredAtMs: 0 }));
  if (typeof latest !== 'object' || latest === null) return checkFacts([own]);
  const charge = readPart({ schema: chargeSchema, value: latest, path: 'latest_charge' });
  // The intent says where the payment stands: its latest charge is one attempt.
  return checkFacts([
    own,
    { ...chargeFact(charge, { status: undefined, occurredAtMs: 0 }), captured: undefined },
    ...listedRefunds(charge, 0),
  ]);
}

function factsOfCharge(charge: StripeCharge): readonly PaymentFact[] {
  // A released charge is refunded uncaptured. Another charge of its intent may have succeeded where this one failed.
  const status =
    charge.status === 'failed' && charge.payment_intent != null ? undefined : (chargeStatus(charge) ?? 'canceled');
  return [withCaptured(chargeFact(charge, { status, occurredAtMs: 0 })), ...listedRefunds(charge, 0)];
}

/** That nothing was captured is an answer too. */
function withCaptured(fact: ReturnType<typeof chargeFact>): ReturnType<typeof chargeFact> {
  return { ...fact, captured: fact.captured ?? { key: 'total', amount: 0 } };
}

const intentState = z.object({
  status: z.enum([
    'requires_payment_method',
    'requires_confirmation',
    'requires_action',
    'processing',
    'requires_capture',
    'canceled',
    'succeeded',
  ]),
});

function intentStatus(answer: Buffer, intent: StripePaymentIntent): PaymentStatus {
  const { status } = readBody(answer, intentState);
  switch (status) {
    case 'requires_payment_method':
      return intent.last_payment_error == null ? 'created' : 'failed';
    case 'requires_confirmation':
      return 'created';
    case 'requires_action':
      return 'requires_action';
    case 'processing':
      return 'pending';
    case 'requires_capture':
      return (intent.amount_received ?? 0) > 0 ? succeededStatus(intent) : 'authorized';
    case 'canceled':
      return canceledStatus(intent);
    case 'succeeded':
      return succeededStatus(intent);
  }
}
