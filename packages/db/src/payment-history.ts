import { paymentFactSchema } from '@penstock/core/payment-event';
import type { KeyedFact } from '@penstock/core/payment';
import type { Connection } from './database.ts';
import { deliveriesOfEvents } from './deliveries.ts';

/** What one event said about a payment, and when it did. */
export interface HistoricEvent {
  readonly providerEventId: string;
  /** The provider's; the canonical one where the event itself is past its retention. */
  readonly type: string;
  /** False where the event itself is past its retention. */
  readonly bodyKept: boolean;
  readonly occurredAt: Date;
  readonly receivedAt: Date;
  /** When the provider sent it, each time that a worker took it; empty past its retention. */
  readonly sentAt: readonly Date[];
  /** When its facts were first folded, as far as the ledger tells. */
  readonly appliedAt: Date;
  readonly facts: readonly KeyedFact[];
}

/** Every event that says something about a payment, in the order in which it became known; at most 1,000. */
export async function historyOfPayment(db: Connection, paymentKey: number): Promise<readonly HistoricEvent[]> {
  const rows = await db
    .selectFrom('payment_facts')
    .innerJoin('ledger', 'ledger.id', 'payment_facts.event_id')
    .leftJoin('events', (join) =>
      join.onRef('events.id', '=', 'ledger.id').onRef('events.recorded_at', '=', 'ledger.stored_at'),
    )
    .select([
      'payment_facts.event_id',
      'payment_facts.ordinal',
      'payment_facts.fact',
      'payment_facts.occurred_at',
      'payment_facts.type as canonical_type',
      'ledger.provider_event_id',
      'events.type',
      'ledger.received_at',
      'ledger.stored_at',
      'ledger.finished_at',
    ])
    .where('payment_facts.payment_key', '=', paymentKey)
    .orderBy('payment_facts.event_id')
    .orderBy('payment_facts.ordinal')
    .limit(10_000)
    .execute();
  const sent = await deliveriesOfEvents(db, [...new Set(rows.map((row) => row.event_id))]);
  const byEvent = Map.groupBy(rows, (row) => row.event_id);
  const events = [...byEvent.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    return [
      {
        providerEventId: first.provider_event_id,
        type: first.type ?? first.canonical_type,
        bodyKept: first.type !== null,
        occurredAt: first.occurred_at,
        receivedAt: first.received_at,
        sentAt: (sent.get(first.event_id) ?? []).map(({ receivedAt }) => receivedAt),
        appliedAt: first.finished_at ?? first.stored_at,
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
