import * as z from 'zod';
import { minorUnitsOfNumber } from '../../money.ts';
import type { PaymentFact, PaymentStatus } from '../../payment-event.ts';
import { checkFacts, readBody, shortText } from '../event-body.ts';

/**
 * What Flutterwave's API says of a transaction. Source:
 * developer.flutterwave.com, v3.0.0, transactions/{id}/verify.
 */
export function translateFlutterwaveAnswer(_event: Buffer, answer: Buffer): readonly PaymentFact[] {
  const { data } = readBody(answer, transaction);
  const status = statuses.get(data.status);
  const amount = minorUnitsOfNumber(data.amount, data.currency);
  return checkFacts([
    {
      kind: 'payment',
      occurredAtMs: Date.parse(data.created_at),
      references: [`payment:${data.id}`],
      ...(status === undefined ? {} : { status }),
      amount,
      currency: data.currency,
      ...(status === 'captured' ? { captured: { key: String(data.id), amount } } : {}),
      ...(status === 'failed' ? { failureCode: shortText(data.processor_response) } : {}),
    },
  ]);
}

/** A status that is not listed says nothing that can be folded. */
const statuses: ReadonlyMap<string, PaymentStatus> = new Map([
  ['successful', 'captured'],
  ['failed', 'failed'],
  ['pending', 'pending'],
]);

const transaction = z.object({
  data: z.object({
    id: z.int().nonnegative(),
    status: z.string(),
    amount: z.number().nonnegative(),
    currency: z.string().regex(/^[A-Z]{3}$/),
    processor_response: z.string().nullish(),
    created_at: z.iso.datetime({ offset: true }),
  }),
});
