import * as z from 'zod';
import type { PaymentFact } from '../../payment-event.ts';
import { checkFacts, readBody, readPart } from '../event-body.ts';
import { factOfMollieRefund, factsOfMolliePayment, molliePayment, mollieRefund } from './payment.ts';
import { classicId } from './verify.ts';

/**
 * What a next-gen event says: a snapshot of the payment or the refund, where
 * the webhook is set to full payloads. An empty list for other types, for
 * simple payloads and for classic forms, which say nothing themselves.
 */
export function translateMollie(body: Buffer): readonly PaymentFact[] {
  if (classicId(body) !== null) return [];
  const event = readBody(body, envelope);
  const entity = event._embedded?.entity;
  if (entity === undefined) return [];
  const path = '_embedded.entity';
  if (event.type.startsWith('payment.'))
    return checkFacts(factsOfMolliePayment(readPart({ schema: molliePayment, value: entity, path })));
  if (event.type.startsWith('refund.'))
    return checkFacts([factOfMollieRefund(readPart({ schema: mollieRefund, value: entity, path }))]);
  return [];
}

/** What Mollie's API said about the payment that an event named. */
export function translateMollieAnswer(_event: Buffer, answer: Buffer): readonly PaymentFact[] {
  return checkFacts(factsOfMolliePayment(readBody(answer, molliePayment)));
}

/** The same of a payment that was asked about. That nothing was captured is an answer too. */
export function translateMollieSnapshot(_name: string, answer: Buffer): readonly PaymentFact[] {
  const payment = readBody(answer, molliePayment);
  const nothing = { key: payment.id, amount: 0 };
  return checkFacts(
    factsOfMolliePayment(payment).map((fact) =>
      fact.kind === 'payment' ? { ...fact, captured: fact.captured ?? nothing } : fact,
    ),
  );
}

const envelope = z.object({
  type: z.string(),
  entityId: z.string().nullish(),
  _embedded: z.object({ entity: z.unknown().optional() }).nullish(),
});

/** The payment that a signed event names without holding it; null where it holds it, or names none. */
export function namedPayment(body: Buffer): string | null {
  const { type, entityId, _embedded } = readBody(body, envelope);
  const isNamed = type.startsWith('payment.') && _embedded?.entity === undefined;
  return isNamed && entityId != null && /^tr_[A-Za-z0-9]{1,64}$/.test(entityId) ? entityId : null;
}
