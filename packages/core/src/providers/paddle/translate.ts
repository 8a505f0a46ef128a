import * as z from 'zod';
import type { PaymentFact } from '../../payment-event.ts';
import { checkFacts, readBody, readPart } from '../event-body.ts';
import { adjustment, adjustmentFacts } from './adjustment-facts.ts';
import { transaction, transactionFact } from './transaction-facts.ts';

/**
 * What Paddle's transaction and adjustment events say; an empty list for the
 * rest. Each carries the whole entity as it was at `occurred_at`. Source:
 * paddle-node-sdk src/notifications (types and enums), developer.paddle.com.
 */
export function translatePaddle(body: Buffer): readonly PaymentFact[] {
  const { event_type: type, data, occurred_at } = readBody(body, envelope);
  const occurredAtMs = Date.parse(occurred_at);
  switch (type) {
    case 'transaction.created':
    case 'transaction.ready':
    case 'transaction.billed':
    case 'transaction.updated':
    case 'transaction.revised':
    case 'transaction.paid':
    case 'transaction.completed':
    case 'transaction.past_due':
    case 'transaction.canceled':
    case 'transaction.payment_failed':
      return checkFacts([
        transactionFact({
          value: readPart({ schema: transaction, value: data, path: 'data' }),
          occurredAtMs,
          attemptFailed: type === 'transaction.payment_failed',
        }),
      ]);
    case 'adjustment.created':
    case 'adjustment.updated':
      return checkFacts(
        adjustmentFacts({ value: readPart({ schema: adjustment, value: data, path: 'data' }), occurredAtMs }),
      );
    default:
      return [];
  }
}

const envelope = z.object({
  event_type: z.string(),
  occurred_at: z.iso.datetime({ offset: true }),
  data: z.unknown().optional(),
});
