import { paymentFactSchema } from '@penstock/core/payment-event';
import type { KeyedFact } from '@penstock/core/payment';
import type { Connection } from './database.ts';

/** What one event said about a payment, and when it did. */
export interface HistoricEvent {
  readonly providerEventId: string;
  readonly type: string;
  readonly occurredAt: Date;
  readonly receivedAt: Date;
  /** When its facts were first folded, as far as the ledger tells. */
  readonly appliedAt: Date;
  readonly facts: readonly KeyedFact[];
}

/** Every event that says something about a payment, in the order in which it became known; at most 1,000. */
export async function historyOfPayment(db: Connection, paymentKey: number): Promise<readonly HistoricEvent[]> {
  const rows = await db
    .selectFrom('payment_facts')
    .innerJoin('events', 'events.id', 'payment_facts.event_id')
    .innerJoin('ledger', 'ledger.id', 'events.id')
    .select([
      'payment_facts.event_id',
      'payment_facts.ordinal',
      'payment_facts.fact',
      'payment_facts.occurred_at',
      'events.provider_event_id',
      'events.type',
      'events.received_at',
      'events.recorded_at',
      'ledger.finished_at',
    ])
    .where('payment_facts.payment_key', '=', paymentKey)
    .orderBy('payment_facts.event_id')
    .orderBy('payment_facts.ordinal')
    .limit(10_000)
    .execute();
  const byEvent = Map.groupBy(rows, (row) => row.event_id);
  const events = [...byEvent.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    return [
      {
        providerEventId: first.provider_event_id,
        type: first.type,
        occurredAt: first.occurred_at,
        receivedAt: first.received_at,
        appliedAt: first.finished_at ?? first.recorded_at,
        facts: group.map((row) => ({
          eventId: row.provider_event_id,
          ordinal: row.ordinal,
          fact: paymentFactSchema.parse(row.fact),
        })),
      },
    ];
  });
  return events.toSorted((one, other) => one.appliedAt.getTime() - other.appliedAt.getTime()).slice(0, 1_000);
}
