import * as z from 'zod';
import type { FactOf, PaymentFact, PaymentStatus } from '../../payment-event.ts';
import type { ProviderEffects } from '../../provider.ts';
import { fetchingSnapshotter, type Snapshotter } from '../../snapshot.ts';
import { checkFacts, malformedEvent, readBody } from '../event-body.ts';
import { createPayPalAsking } from './asking.ts';
import {
  authorizationFact,
  authorizationStatus,
  captureFact,
  listedCaptureStatus,
  orderFacts,
  saleFact,
  saleStatus,
} from './payment-facts.ts';
import { orderSchema, transactionSchema } from './resources.ts';
import { readSnapshotAccess } from './settings.ts';

/** What asking how a payment stands takes of an endpoint's settings. */
export const snapshotSettings = ['environment', 'clientId', 'clientSecret'] as const;

/**
 * Asks PayPal how a payment stands: its order, which lists its captures, else
 * a capture, a sale or an authorization.
 * Source: PayPal openapi checkout_orders_v2.json orders.get, payments_payment_v2.json
 * captures.get, authorizations.get; developer.paypal.com/docs/api/payments/v1 sale_get.
 */
export function createPayPalSnapshotter(settings: unknown, effects: ProviderEffects): Snapshotter | null {
  const access = readSnapshotAccess(settings, effects);
  if (access === null) return null;
  const ask = createPayPalAsking({ ...access, effects });
  return fetchingSnapshotter(effects, {
    kinds: Object.keys(paths),
    questionOf: ({ kind, id }) => ({
      url: `${access.environment.apiOrigin}${Object.entries(paths).find(([known]) => known === kind)?.[1] ?? ''}${id}`,
      headers: {},
    }),
    ask: ({ url }, at) => ask(url, at),
  });
}

const paths = {
  order: '/v2/checkout/orders/',
  capture: '/v2/payments/captures/',
  sale: '/v1/payments/sale/',
  authorization: '/v2/payments/authorizations/',
} as const;

/** What an order, a capture, a sale or an authorization says of its payment as it stands. */
export function translatePayPalSnapshot(name: string, answer: Buffer): readonly PaymentFact[] {
  const [kind] = name.split(':');
  const now = { create_time: '1970-01-01T00:00:00Z' };
  switch (kind) {
    case 'order':
      return checkFacts(factsOfOrder(answer, now).map(withCaptured));
    case 'capture': {
      const capture = readBody(answer, transactionSchema);
      return checkFacts([withCaptured(captureFact(capture, listedCaptureStatus(capture), now))]);
    }
    case 'sale': {
      const sale = readBody(answer, transactionSchema);
      return checkFacts([withCaptured(saleFact(sale, saleStatus(sale), now))]);
    }
    case 'authorization': {
      const authorization = readBody(answer, transactionSchema);
      return checkFacts([authorizationFact(authorization, authorizationStatus(authorization), now)]);
    }
    default:
      throw malformedEvent('it is about nothing that PayPal can be asked about');
  }
}

const orderState = z.object({ status: z.string().nullish() });

/** Where no payment is listed the order itself says where it stands. */
function factsOfOrder(answer: Buffer, now: { readonly create_time: string }): readonly PaymentFact[] {
  const order = readBody(answer, orderSchema);
  const listed = orderFacts(order, undefined, now);
  if (listed.length > 1) return withoutFormerAttempts(listed);
  return orderFacts(order, readBody(answer, orderState).status === 'VOIDED' ? 'canceled' : 'created', now);
}

/** An attempt that ended without money does not say where its order stands while another has not ended so. */
function withoutFormerAttempts(facts: readonly PaymentFact[]): readonly PaymentFact[] {
  const statuses = facts.map((fact) => (fact.kind === 'payment' ? fact.status : undefined));
  if (!statuses.some((status) => status !== undefined && !endsWithoutMoney(status))) return facts;
  return facts.map((fact) =>
    fact.kind === 'payment' && fact.status !== undefined && endsWithoutMoney(fact.status)
      ? { ...fact, status: undefined }
      : fact,
  );
}

function endsWithoutMoney(status: PaymentStatus): boolean {
  return status === 'failed' || status === 'canceled' || status === 'expired';
}

/** A capture that is not complete took nothing: that is an answer too. */
function withCaptured(fact: PaymentFact): PaymentFact {
  if (fact.kind !== 'payment' || fact.captured !== undefined) return fact;
  const key = captureIdOf(fact);
  return key === undefined ? fact : { ...fact, captured: { key, amount: 0 } };
}

function captureIdOf({ references: [own] }: FactOf<'payment'>): string | undefined {
  return /^(?:capture|sale):(?<id>.+)$/.exec(own ?? '')?.groups?.['id'];
}
